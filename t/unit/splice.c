/*
 * Anchor and splice on real streams of OpenZFS, broken off everywhere and resumed by
 * streams as zfs send -t makes them: the whole comes out, byte for byte.
 */
#include <inttypes.h>
#include <sys/stat.h>

#include "unit.h"
#include "format/anchor.h"
#include "format/nvlist_pack.h"
#include "format/splice.h"
#include "format/zstream_record.h"

#define RECORDS_MAX	8192

static const char *const names[] = { "data.full.zstream", "data.full-Lec.zstream",
    "data.full-props.zstream", "data.one-two.zstream", "data.three-four.zstream",
    "enc.full-raw.zstream", "enc.e1-e2-raw.zstream", "vol.full.zstream",
    "vol.v1-v2.zstream" };
#define NAMES	(sizeof(names) / sizeof(names[0]))

struct bytes {
	uint8_t *at;
	size_t length, size;
};

static struct bytes whole, made, joined;

/* The records of whole, without those that wrap it. */
static struct record {
	size_t at, length;
	uint32_t type;
} records[RECORDS_MAX];
static size_t record_count;

static void
append(struct bytes *to, const void *bytes, size_t length)
{
	if (to->size - to->length < length) {
		to->size = 2 * (to->length + length);
		to->at = realloc(to->at, to->size);
	}
	memcpy(to->at + to->length, bytes, length);
	to->length += length;
}

static void
read_file(struct bytes *to, const char *name)
{
	char path[256];
	struct stat status;
	uint8_t *bytes;
	FILE *file;

	snprintf(path, sizeof(path), "t/data/streams/%s", name);
	file = fopen(path, "r");
	if (file == NULL || fstat(fileno(file), &status) == -1) {
		perror(path);
		exit(111);
	}
	bytes = malloc((size_t)status.st_size);
	if (fread(bytes, 1, (size_t)status.st_size, file) != (size_t)status.st_size)
		exit(111);
	fclose(file);
	to->length = 0;
	append(to, bytes, (size_t)status.st_size);
	free(bytes);
}

static int
index_record(void *context, const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	(void)context;
	(void)error;
	if (record_count == RECORDS_MAX)
		exit(111);
	records[record_count++] = (struct record){ stream->at,
	    ZSTREAM_RECORD_SIZE + stream->payload_left, type };
	return (0);
}

static int
no_payload(void *context, const struct zstream *stream, const uint8_t *bytes,
    size_t length, struct error *error)
{
	(void)context, (void)stream, (void)bytes, (void)length, (void)error;
	return (0);
}

static void
load(const char *name)
{
	struct zstream stream;
	struct error error;

	read_file(&whole, name);
	record_count = 0;
	zstream_init(&stream, "kept");
	zstream_add_sink(&stream, &(struct zstream_sink){ .record = index_record,
	    .payload = no_payload });
	CHECK(zstream_feed(&stream, whole.at, whole.length, &error) == 0);
	CHECK(zstream_finish(&stream, &error) == 0);
}

static bool
is_anchor(uint32_t type)
{
	return (type == RECORD_OBJECT || type == RECORD_WRITE ||
	    type == RECORD_WRITE_EMBEDDED);
}

static uint64_t
u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return (value);
}

/* --- the stream that zfs send -t would send --- */

static struct fletcher4 made_sum;

static void
make_record(const uint8_t *record, const uint8_t *payload, size_t length)
{
	uint8_t copy[ZSTREAM_RECORD_SIZE];

	memcpy(copy, record, sizeof(copy));
	if (copy[0] == RECORD_BEGIN)
		made_sum = (struct fletcher4){ .swap = false };
	if (copy[0] == RECORD_END)
		memcpy(copy + END_CHECKSUM, made_sum.words, 32);
	fletcher4_update(&made_sum, copy, AT_CHECKSUM);
	if (copy[0] != RECORD_BEGIN)
		memcpy(copy + AT_CHECKSUM, made_sum.words, 32);
	fletcher4_update(&made_sum, copy + AT_CHECKSUM, 32);
	fletcher4_update(&made_sum, payload, length);
	append(&made, copy, sizeof(copy));
	append(&made, payload, length);
}

static void
make_begin(const uint8_t *anchor)
{
	uint8_t record[ZSTREAM_RECORD_SIZE], packed[512];
	struct nvlist_pack pack;
	uint64_t version = u64(whole.at + records[0].at + BEGIN_VERSION);
	uint32_t length;

	nvlist_pack_begin(&pack, packed, sizeof(packed));
	nvlist_pack_uint64(&pack, "resume_object", u64(anchor + OBJECT_NUMBER));
	nvlist_pack_uint64(&pack, "resume_offset", anchor[0] == RECORD_WRITE ?
	    u64(anchor + WRITE_OFFSET) : 0);
	nvlist_pack_end(&pack);
	memcpy(record, whole.at + records[0].at, sizeof(record));
	version |= (uint64_t)ZSTREAM_RESUMING << 2;
	memcpy(record + BEGIN_VERSION, &version, sizeof(version));
	length = (uint32_t)pack.length;
	memcpy(record + AT_PAYLOAD_LENGTH, &length, sizeof(length));
	make_record(record, packed, pack.length);
}

/* What else stands in front of the anchor. */
enum style {
	ONLY_ANCHOR,	/* nothing */
	OBJECT_AGAIN,	/* all of its object */
	FREE_ALIKE,	/* the same, and what is freed is freed in other pieces */
	STYLES
};

static void
make_free(const uint8_t *anchor)
{
	uint8_t record[ZSTREAM_RECORD_SIZE] = { RECORD_FREE };

	memcpy(record + FREE_OBJECT, anchor + OBJECT_NUMBER, 8);
	memset(record + FREE_OFFSET, 0x7f, 16);
	make_record(record, NULL, 0);
}

static void
make_resuming(size_t anchor, enum style style)
{
	const uint8_t *const target = whole.at + records[anchor].at;
	size_t from = anchor;

	while (style != ONLY_ANCHOR && from > 1 &&
	    (records[from].type == RECORD_FREEOBJECTS ||
	    u64(whole.at + records[from - 1].at + OBJECT_NUMBER) ==
	    u64(target + OBJECT_NUMBER)))
		from--;
	made.length = 0;
	make_begin(target);
	if (style == FREE_ALIKE)
		make_free(target);
	for (size_t i = from; i < record_count; i++)
		if (i >= anchor || style != FREE_ALIKE || is_anchor(records[i].type))
			make_record(whole.at + records[i].at,
			    whole.at + records[i].at + ZSTREAM_RECORD_SIZE,
			    records[i].length - ZSTREAM_RECORD_SIZE);
}

/* --- joining --- */

static int
take(void *context, const void *bytes, size_t length, struct error *error)
{
	(void)error;
	CHECK(length > 0);
	append(&joined, bytes, length);
	return (context == NULL ? 0 : zstream_feed(context, bytes, length, error));
}

/* The length of the record at offset, with its payload. */
static size_t
length_at(size_t offset)
{
	for (size_t i = 0; i < record_count; i++)
		if (records[i].at == offset)
			return (records[i].length);
	return (0);
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

/* The last anchor in the first `length` bytes of whole; false: there is none. */
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

/* The anchor of joined; false: there is none. */
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

static size_t
record_at(size_t offset)
{
	size_t i = 0;

	while (records[i].at != offset)
		i++;
	return (i);
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

int
main(void)
{
	TEST("the anchor is the last object or block that a valid record follows") {
		for (size_t i = 0; i < NAMES; i++) {
			check_anchors(names[i], 311);
			check_anchors(names[i], 65536);
		}
	}
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
	return (unit_end());
}
