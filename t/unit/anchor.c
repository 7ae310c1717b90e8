/* Anchors of real streams of OpenZFS, and the tokens that ask for the rest. */
#include "broken_stream.h"
#include "format/anchor.h"

/* The last anchor in the first `length` bytes of whole; false: it has no anchor. */
static bool
expected_anchor(size_t length, size_t *offset)
{
	bool known = false, after = false;

	for (size_t i = record_count; i-- > 0 && !known;) {
		known = after && is_anchor(records[i].type);
		after = after || records[i].at + ZSTREAM_RECORD_SIZE <= length;
		*offset = records[i].at;
	}
	return (known);
}

static void
check_anchors(const char *name, size_t piece)
{
	struct zstream stream;
	struct anchor anchor = { .known = false };
	struct error error;
	size_t some, offset, wrong = 0;
	bool known;

	load(name);
	zstream_init(&stream, "kept");
	anchor_follow(&anchor, &stream);
	for (size_t at = 0; at < whole.length; at += some) {
		some = whole.length - at < piece ? whole.length - at : piece;
		CHECK(zstream_feed(&stream, whole.at + at, some, &error) == 0);
		known = expected_anchor(at + some, &offset);
		wrong += known != anchor.known || (known && offset != anchor.offset);
	}
	CHECK(wrong == 0);
	CHECK(anchor.known);
}

/* What the token of the anchor number r says. */
static void
token_of(struct resume_token *token, size_t r)
{
	struct zstream stream;
	struct error error = { .text = "" };

	zstream_init(&stream, "kept");
	CHECK(zstream_feed(&stream, whole.at, records[r].at, &error) == 0);
	CHECK(anchor_token(token, &stream, whole.at + records[r].at, &error) == 0);
	CHECK_TEXT(error.text, "");
}

/* zfs itself has stored a token of this stream: ours of the same place is the same. */
static void
check_token(const char *name, const char *file)
{
	static struct bytes text;
	struct resume_token real, ours;
	struct error error;
	size_t r = 1;

	load(name);
	read_file(&text, file);
	text.at[strcspn((char *)text.at, "\n")] = '\0';
	CHECK(resume_token_decode(&real, (char *)text.at, &error) == 0);
	while (records[r].type != RECORD_OBJECT ||
	    u64(whole.at + records[r].at + OBJECT_NUMBER) != real.object)
		r++;
	token_of(&ours, r);
	CHECK(real.bytes > 0 && ours.bytes == 0);
	CHECK(ours.object == real.object && ours.offset == real.offset);
	CHECK(ours.to_guid == real.to_guid);
	CHECK(ours.from_guid == real.from_guid);
	CHECK(ours.flags == real.flags);
	CHECK_TEXT(ours.filesystem, real.filesystem);
	CHECK_TEXT(ours.snapshot, real.snapshot);
}

static void
check_offsets(const char *name)
{
	struct resume_token token;
	const uint8_t *record;
	uint64_t offset;

	load(name);
	for (size_t r = 1; r < record_count; r++) {
		if (!is_anchor(records[r].type))
			continue;
		record = whole.at + records[r].at;
		offset = records[r].type == RECORD_WRITE ? u64(record + WRITE_OFFSET) :
		    records[r].type == RECORD_WRITE_EMBEDDED ?
		    u64(record + EMBEDDED_OFFSET) : 0;
		token_of(&token, r);
		CHECK(token.object == u64(record + OBJECT_NUMBER));
		CHECK(token.offset == offset);
	}
}

int
main(void)
{
	struct resume_token token;
	struct zstream stream;
	struct anchor anchor = { .known = false };
	struct error error;

	TEST("the anchor is the last object or block that a valid record follows") {
		for (size_t i = 0; i < NAMES; i++) {
			check_anchors(names[i], 311);
			check_anchors(names[i], 65536);
		}
	}
	TEST("a block with a wrong byte is no anchor: the record behind it is not valid") {
		load("data.full.zstream");
		zstream_init(&stream, "kept");
		anchor_follow(&anchor, &stream);
		/* The second block of the second object. */
		whole.at[134256 + 400] ^= 1;
		CHECK(zstream_feed(&stream, whole.at, whole.length, &error) == -1);
		CHECK(stream.corrupt);
		CHECK(anchor.known && anchor.offset == 2872);
	}
	TEST("a stream in the other byte order has no anchor and no token") {
		load("data.full.zstream");
		anchor = (struct anchor){ .known = false };
		zstream_init(&stream, "kept");
		anchor_follow(&anchor, &stream);
		CHECK(zstream_feed(&stream, whole.at, ZSTREAM_RECORD_SIZE, &error) == 0);
		stream.swap = true;
		for (size_t r = 1; r < 5; r++)
			stream.sinks[0].record(&anchor, &stream, records[r].type, &error);
		CHECK(!anchor.known);
		CHECK(anchor_token(&token, &stream, whole.at + records[1].at, &error) == -1);
	}
	TEST("the token is the one that zfs recv makes, apart from the bytes received") {
		check_token("data.full.zstream", "data.full.cut.resume-token.txt");
		check_token("data.one-two.zstream", "inc.cut.resume-token.txt");
		check_token("enc.full-raw.zstream", "enc.cut.resume-token.txt");
	}
	TEST("the token has the flags with which the stream was sent") {
		load("data.full-Lec.zstream");
		token_of(&token, 3);
		CHECK(token.flags == (RESUME_TOKEN_EMBEDDED | RESUME_TOKEN_COMPRESSED));
		zstream_init(&stream, "kept");
		CHECK(zstream_feed(&stream, whole.at, records[3].at, &error) == 0);
		/* zfs send -L of what has no large blocks does not say so. */
		CHECK((stream.features & ZSTREAM_LARGE_BLOCKS) == 0);
		stream.features |= ZSTREAM_LARGE_BLOCKS;
		CHECK(anchor_token(&token, &stream, whole.at + records[3].at, &error) == 0);
		CHECK((token.flags & RESUME_TOKEN_LARGE_BLOCKS) != 0);
	}
	TEST("the token names the anchor itself") {
		for (size_t i = 0; i < NAMES; i++)
			check_offsets(names[i]);
	}
	TEST("only an object or a block is an anchor, and only of a stream that has begun") {
		load("data.full.zstream");
		zstream_init(&stream, "kept");
		CHECK(anchor_token(&token, &stream, whole.at + records[1].at, &error) == -1);
		CHECK(zstream_feed(&stream, whole.at, records[3].at, &error) == 0);
		CHECK(anchor_token(&token, &stream, whole.at + records[1].at, &error) == 0);
		CHECK(records[2].type == RECORD_FREE);
		CHECK(anchor_token(&token, &stream, whole.at + records[2].at, &error) == -1);
		CHECK(error.code == EXIT_FAILED);
		CHECK(anchor_token(&token, &stream, whole.at, &error) == -1);
	}
	return (unit_end());
}
