/*
 * Splicing real streams of OpenZFS, broken off everywhere and resumed by streams as zfs
 * send -t makes them: the whole comes out, byte for byte.
 */
#include "broken_stream.h"
#include "format/anchor.h"
#include "format/splice.h"

static struct bytes joined;

static int
take(void *context, const void *bytes, size_t length, struct error *error)
{
	(void)error;
	CHECK(length > 0);
	append(&joined, bytes, length);
	return (context == NULL ? 0 : zstream_feed(context, bytes, length, error));
}

/*
 * joined, of which the anchor is here, is cut behind it and goes on with `length` bytes of
 * made.
 */
static int
join(struct splice *splice, size_t offset, size_t length, size_t piece, struct error *error)
{
	static struct bytes anchor;
	static struct zstream part;
	size_t some;

	joined.length = offset + length_at(offset);
	anchor.length = 0;
	append(&anchor, joined.at + offset, joined.length - offset);
	zstream_init(&part, "kept");
	CHECK(zstream_feed(&part, joined.at, joined.length, error) == 0);
	splice_init(splice, &part, anchor.at, anchor.length, take,
	    piece % 2 == 0 ? &part : NULL);
	for (size_t at = 0; at < length; at += some) {
		some = length - at < piece ? length - at : piece;
		if (splice_feed(splice, made.at + at, some, error) == -1)
			return (-1);
	}
	if (splice_finish(splice, error) == -1)
		return (-1);
	return (piece % 2 == 0 ? zstream_finish(&part, error) : 0);
}

static void
check_whole(const char *name, size_t anchor, enum style style, size_t piece)
{
	struct splice splice;
	struct error error = { .text = "" };

	make_resuming(anchor, style);
	joined.length = 0;
	append(&joined, whole.at, records[anchor].at + records[anchor].length);
	CHECK(splice_is_resuming(made.at));
	if (join(&splice, records[anchor].at, made.length, piece, &error) == -1 ||
	    joined.length != whole.length ||
	    memcmp(joined.at, whole.at, whole.length) != 0) {
		printf("# %s, record %zu, style %d: %s\n", name, anchor, style, error.text);
		CHECK(!"the whole");
	}
	CHECK(splice.joined && !splice.foreign);
}

/* The anchor of joined; false: it has no anchor. */
static bool
find_anchor(size_t *offset)
{
	struct zstream stream;
	struct anchor anchor = { .known = false };
	struct error error;

	zstream_init(&stream, "kept");
	anchor_follow(&anchor, &stream);
	CHECK(zstream_feed(&stream, joined.at, joined.length, &error) == 0);
	*offset = anchor.offset;
	return (anchor.known);
}

/* Broken off, and what resumes it as well, at places of the seed's; then completed. */
static void
check_again_and_again(unsigned int seed)
{
	struct splice splice;
	struct error error = { .text = "" };
	size_t offset, length;

	srandom(seed);
	joined.length = 0;
	append(&joined, whole.at, (size_t)random() % whole.length);
	for (int cuts = 4; cuts >= 0; cuts--) {
		if (!find_anchor(&offset)) {
			joined.length = 0;
			append(&joined, whole.at, whole.length / 2);
			CHECK(find_anchor(&offset));
		}
		make_resuming(record_at(offset), (enum style)((size_t)random() % STYLES));
		length = cuts == 0 ? made.length : (size_t)random() % made.length;
		CHECK((join(&splice, offset, length, 4096 + seed % 2, &error) == 0) ==
		    (cuts == 0));
	}
	if (joined.length != whole.length || memcmp(joined.at, whole.at, whole.length) != 0) {
		printf("# seed %u: %s\n", seed, error.text);
		CHECK(!"the whole");
	}
}

/* What was received before ends with the anchor number r; made must be refused. */
static void
is_refused(size_t r, bool foreign, const char *why)
{
	struct splice splice;
	struct error error = { .text = "" };

	joined.length = 0;
	append(&joined, whole.at, records[r].at + records[r].length);
	CHECK(join(&splice, records[r].at, made.length, 65536, &error) == -1);
	CHECK(error.code == EXIT_FAILED);
	CHECK(splice.foreign == foreign);
	if (foreign)
		CHECK(joined.length == records[r].at + records[r].length);
	if (strstr(error.text, why) == NULL) {
		printf("# %s\n", error.text);
		CHECK(!"refused by name");
	}
}

/* The same of a stream that resumes the one in which this byte is another. */
static void
other_is_refused(size_t at, size_t r, const char *why)
{
	whole.at[at] ^= 1;
	make_resuming(r, OBJECT_AGAIN);
	whole.at[at] ^= 1;
	is_refused(r, true, why);
}

static int
fail(void *context, const void *bytes, size_t length, struct error *error)
{
	unsigned int *const left = context;

	(void)bytes, (void)length;
	if (*left == 0)
		return (error_set(error, EXIT_SYSTEM, "the disk is full"));
	--*left;
	return (0);
}

/*
 * One bit of what resumes it is wrong.  Either it is found, and the anchor of what was
 * written is part of the whole.
 */
static void
check_flip(size_t r, size_t at)
{
	struct splice splice;
	struct error error;
	size_t offset;

	joined.length = 0;
	append(&joined, whole.at, records[r].at + records[r].length);
	made.at[at] ^= 0x20;
	CHECK(join(&splice, records[r].at, made.length, 65536, &error) == -1);
	made.at[at] ^= 0x20;
	CHECK(find_anchor(&offset));
	CHECK(memcmp(joined.at, whole.at, offset + length_at(offset)) == 0);
}

/* made's BEGIN as a machine of the other byte order would write it. */
static void
swap_begin(void)
{
	static const uint8_t fields[][2] = { { 0, 4 }, { 4, 4 }, { 8, 8 }, { 16, 8 },
	    { 24, 8 }, { 32, 4 }, { 36, 4 }, { 40, 8 }, { 48, 8 } };
	uint8_t copy[ZSTREAM_RECORD_SIZE];

	memcpy(copy, made.at, sizeof(copy));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		for (size_t byte = 0; byte < fields[i][1]; byte++)
			made.at[fields[i][0] + byte] =
			    copy[fields[i][0] + fields[i][1] - 1 - byte];
}

#define MIDDLE	9	/* record of data.full: the third block of an object */

int
main(void)
{
	struct splice splice;
	struct error error;
	size_t begin;
	unsigned int left;

	TEST("broken off at any record and resumed, a stream is the whole one") {
		for (size_t i = 0; i < NAMES; i++) {
			load(names[i]);
			for (size_t r = 1; r + 1 < record_count; r++)
				if (is_anchor(records[r].type))
					check_whole(names[i], r, (enum style)(r % STYLES),
					    4096 + r / STYLES % 2);
		}
	}
	TEST("broken off again and again, it is the whole one in the end") {
		for (size_t i = 0; i < NAMES; i++) {
			load(names[i]);
			for (unsigned int seed = 0; seed < 30; seed++)
				check_again_and_again(seed);
		}
	}
	TEST("what OpenZFS sent with a token goes on with every later part") {
		load("data.full.zstream");
		read_file(&made, "data.full.resumed.zstream");
		CHECK(records[10].at == 397024 && records[10].type == RECORD_OBJECT);
		for (size_t r = 10; r + 1 < record_count; r++) {
			if (!is_anchor(records[r].type))
				continue;
			joined.length = 0;
			append(&joined, whole.at, records[r].at + records[r].length);
			CHECK(join(&splice, records[r].at, made.length, 65536, &error) == 0);
			CHECK(joined.length == whole.length &&
			    memcmp(joined.at, whole.at, whole.length) == 0);
		}
		/* And with none before. */
		is_refused(MIDDLE, true, "another source");
	}
	TEST("in pieces of a byte it is the whole one as well") {
		load("vol.v1-v2.zstream");
		make_resuming(1, OBJECT_AGAIN);
		joined.length = 0;
		append(&joined, whole.at, records[1].at + records[1].length);
		CHECK(join(&splice, records[1].at, made.length, 1, &error) == 0);
		CHECK(joined.length == whole.length &&
		    memcmp(joined.at, whole.at, whole.length) == 0);
	}
	TEST("a stream that does not resume another one is foreign") {
		load("data.full.zstream");
		CHECK(!splice_is_resuming(whole.at));
		CHECK(!splice_is_resuming(whole.at + records[1].at));
		made.length = 0;
		append(&made, whole.at, whole.length);
		is_refused(MIDDLE, true, "does not resume another");
		read_file(&whole, "data.full-props.zstream");
		CHECK(!splice_is_resuming(whole.at));
	}
	TEST("one of another snapshot, another base or another kind is foreign") {
		for (size_t i = 0; i < 2; i++) {
			load(i == 0 ? "data.full.zstream" : "data.full-props.zstream");
			begin = records[0].at;
			other_is_refused(begin + BEGIN_FROM_GUID, MIDDLE, "based on another");
			/* 4 and 24: of the features, and -w */
			other_is_refused(begin + BEGIN_VERSION + 1, MIDDLE, "another kind");
			other_is_refused(begin + BEGIN_TYPE, MIDDLE, "another kind");
			/* END would say it, too, but later. */
			other_is_refused(begin + BEGIN_TO_GUID, MIDDLE, "another snapshot");
		}
	}
	TEST("a snapshot that was renamed goes on") {
		load("data.full.zstream");
		whole.at[records[0].at + BEGIN_TO_NAME] ^= 1;
		make_resuming(MIDDLE, OBJECT_AGAIN);
		whole.at[records[0].at + BEGIN_TO_NAME] ^= 1;
		joined.length = 0;
		append(&joined, whole.at, records[MIDDLE].at + records[MIDDLE].length);
		CHECK(join(&splice, records[MIDDLE].at, made.length, 65536, &error) == 0);
		CHECK(joined.length == whole.length &&
		    memcmp(joined.at, whole.at, whole.length) == 0);
	}
	TEST("an anchor with another key or other data comes from another source") {
		load("data.full.zstream");
		CHECK(records[MIDDLE].type == RECORD_WRITE);
		/* The block's own checksum. */
		other_is_refused(records[MIDDLE].at + 60, MIDDLE, "another source");
		other_is_refused(records[MIDDLE].at + ZSTREAM_RECORD_SIZE, MIDDLE,
		    "its data differ");
		other_is_refused(records[MIDDLE].at + records[MIDDLE].length - 1, MIDDLE,
		    "its data differ");
	}
	TEST("a stream that begins behind the anchor, or has only what is before it, is foreign") {
		load("data.full.zstream");
		for (size_t r = MIDDLE + 1; r < record_count; r++) {
			if (!is_anchor(records[r].type))
				continue;
			make_resuming(r, ONLY_ANCHOR);
			is_refused(MIDDLE, true, "another source");
		}
		memmove(records + MIDDLE, records + record_count - 1, sizeof(records[0]));
		record_count = MIDDLE + 1;
		make_resuming(MIDDLE - 1, OBJECT_AGAIN);
		load("data.full.zstream");
		is_refused(MIDDLE, true, "another source");
	}
	TEST("a machine of the other byte order does not go on with it") {
		load("data.full.zstream");
		make_resuming(MIDDLE, OBJECT_AGAIN);
		made.length = ZSTREAM_RECORD_SIZE;
		swap_begin();
		CHECK(splice_is_resuming(made.at));
		is_refused(MIDDLE, true, "other byte order");
	}
	TEST("a wrong bit anywhere is found, and no anchor is behind it") {
		load("data.one-two.zstream");
		make_resuming(3, FREE_ALIKE);
		for (size_t at = 0; at < made.length; at += 311)
			check_flip(3, at);
	}
	TEST("an error of the writer ends it") {
		load("data.full.zstream");
		make_resuming(MIDDLE, OBJECT_AGAIN);
		joined.length = 0;
		append(&joined, whole.at, records[MIDDLE].at + records[MIDDLE].length);
		CHECK(join(&splice, records[MIDDLE].at, made.length, 65536, &error) == 0);
		for (unsigned int calls = 0; calls < 5; calls++) {
			struct zstream part;

			left = calls;
			zstream_init(&part, "kept");
			CHECK(zstream_feed(&part, whole.at, records[MIDDLE + 1].at,
			    &error) == 0);
			splice_init(&splice, &part, whole.at + records[MIDDLE].at,
			    records[MIDDLE].length, fail, &left);
			CHECK(splice_feed(&splice, made.at, made.length, &error) == -1);
			CHECK_TEXT(error.text, "the disk is full");
			CHECK(!splice.foreign && left == 0);
		}
	}
	return (unit_end());
}
