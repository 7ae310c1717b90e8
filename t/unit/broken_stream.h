#ifndef ZR_BROKEN_STREAM_H
#define ZR_BROKEN_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "unit.h"
#include "format/nvlist_pack.h"
#include "format/zstream.h"
#include "format/zstream_record.h"

/*
 * For the tests of anchors and of splicing: a real stream, its records, and the stream
 * that resumes it at one of them, as zfs send -t makes it.
 */
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

static struct bytes whole, made;

/* The records of whole, without those that wrap it. */
static struct record {
	size_t at, length;
	uint32_t type;
} records[RECORDS_MAX];
static size_t record_count;

static inline void
append(struct bytes *to, const void *bytes, size_t length)
{
	if (length == 0)
		return;
	if (to->size - to->length < length) {
		to->size = 2 * (to->length + length);
		to->at = realloc(to->at, to->size);
	}
	memcpy(to->at + to->length, bytes, length);
	to->length += length;
}

static inline void
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

static inline int
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

static inline int
no_payload(void *context, const struct zstream *stream, const uint8_t *bytes,
    size_t length, struct error *error)
{
	(void)context, (void)stream, (void)bytes, (void)length, (void)error;
	return (0);
}

static inline void
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

static inline bool
is_anchor(uint32_t type)
{
	return (type == RECORD_OBJECT || type == RECORD_WRITE ||
	    type == RECORD_WRITE_EMBEDDED);
}

static inline uint64_t
u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return (value);
}

/* --- the stream that resumes it --- */

static struct fletcher4 made_sum;

static inline void
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

static inline void
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

static inline void
make_free(const uint8_t *anchor)
{
	uint8_t record[ZSTREAM_RECORD_SIZE] = { RECORD_FREE };

	memcpy(record + FREE_OBJECT, anchor + OBJECT_NUMBER, 8);
	memset(record + FREE_OFFSET, 0x7f, 16);
	make_record(record, NULL, 0);
}

static inline void
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

/* The length of the record at offset, with its payload. */
static inline size_t
length_at(size_t offset)
{
	for (size_t i = 0; i < record_count; i++)
		if (records[i].at == offset)
			return (records[i].length);
	return (0);
}

static inline size_t
record_at(size_t offset)
{
	size_t i = 0;

	while (records[i].at != offset)
		i++;
	return (i);
}

#endif
