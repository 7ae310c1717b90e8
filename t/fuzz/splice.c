/*
 * Feeds what should resume a broken stream, in pieces of the first byte's size; where that
 * byte is odd with every checksum set right on the way.  The input follows a BEGIN record
 * that is accepted.  The part's own reader must accept every byte that comes out.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/anchor.h"
#include "format/splice.h"
#include "format/zstream_record.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAYLOAD		8
#define GUID		UINT64_C(0x0102030405060708)

/* BEGIN, OBJECT and, as the anchor, WRITE with its payload. */
static uint8_t broken[3 * ZSTREAM_RECORD_SIZE + PAYLOAD];
static uint8_t *const anchor = broken + 2 * ZSTREAM_RECORD_SIZE;

static void
put32(uint8_t *record, size_t at, uint32_t value)
{
	memcpy(record + at, &value, sizeof(value));
}

static void
put64(uint8_t *record, size_t at, uint64_t value)
{
	memcpy(record + at, &value, sizeof(value));
}

/* The record's checksums as they must be behind `sum`. */
static void
repair(const struct fletcher4 *before, uint8_t *record)
{
	struct fletcher4 sum = *before;

	if (record[AT_TYPE] == RECORD_BEGIN)
		return;
	if (record[AT_TYPE] == RECORD_END)
		memcpy(record + END_CHECKSUM, sum.words, sizeof(sum.words));
	fletcher4_update(&sum, record, AT_CHECKSUM);
	memcpy(record + AT_CHECKSUM, sum.words, sizeof(sum.words));
}

static void
make_begin(uint8_t *record, uint64_t features)
{
	put64(record, BEGIN_MAGIC, BEGIN_MAGIC_VALUE);
	put64(record, BEGIN_VERSION, BEGIN_KIND_SUBSTREAM | features << 2);
	put32(record, BEGIN_TYPE, ZSTREAM_FILESYSTEM);
	put64(record, BEGIN_TO_GUID, GUID);
	memcpy(record + BEGIN_TO_NAME, "a@b", sizeof("a@b"));
}

static void
must(int result)
{
	if (result == -1)
		__builtin_trap();
}

/* The stream that broke off, as far as its anchor. */
static void
make_part(struct zstream *part)
{
	struct error error;

	memset(broken, 0, sizeof(broken));
	zstream_init(part, "kept");
	make_begin(broken, 0);
	must(zstream_feed(part, broken, ZSTREAM_RECORD_SIZE, &error));
	put32(broken + ZSTREAM_RECORD_SIZE, AT_TYPE, RECORD_OBJECT);
	put64(broken + ZSTREAM_RECORD_SIZE, OBJECT_NUMBER, 2);
	put32(anchor, AT_TYPE, RECORD_WRITE);
	put64(anchor, WRITE_OBJECT, 2);
	put64(anchor, WRITE_LOGICAL_SIZE, PAYLOAD);
	repair(&part->sum, broken + ZSTREAM_RECORD_SIZE);
	must(zstream_feed(part, broken + ZSTREAM_RECORD_SIZE, ZSTREAM_RECORD_SIZE, &error));
	repair(&part->sum, anchor);
	must(zstream_feed(part, anchor, ZSTREAM_RECORD_SIZE + PAYLOAD, &error));
}

static int
take(void *context, const void *bytes, size_t length, struct error *error)
{
	must(zstream_feed(context, bytes, length, error));
	return (0);
}

static int
feed_repaired(struct splice *splice, const uint8_t *data, size_t size, struct error *error)
{
	uint8_t record[ZSTREAM_RECORD_SIZE];
	size_t take_now;

	for (; size > 0; data += take_now, size -= take_now) {
		if (splice->stream.payload_left > 0) {
			take_now = splice->stream.payload_left < size ?
			    (size_t)splice->stream.payload_left : size;
			if (splice_feed(splice, data, take_now, error) == -1)
				return (-1);
			continue;
		}
		take_now = sizeof(record);
		if (size < take_now)
			return (splice_feed(splice, data, size, error));
		memcpy(record, data, sizeof(record));
		repair(&splice->stream.sum, record);
		if (splice_feed(splice, record, sizeof(record), error) == -1)
			return (-1);
	}
	return (0);
}

static int
feed_pieces(struct splice *splice, const uint8_t *data, size_t size, size_t piece,
    struct error *error)
{
	size_t some;

	for (; size > 0; data += some, size -= some) {
		some = size < piece ? size : piece;
		if (splice_feed(splice, data, some, error) == -1)
			return (-1);
	}
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t begin[ZSTREAM_RECORD_SIZE] = { 0 };
	struct zstream part;
	struct splice splice;
	struct error error;
	int result;

	if (size < 1)
		return (0);
	make_part(&part);
	splice_init(&splice, &part, anchor, ZSTREAM_RECORD_SIZE + PAYLOAD, take, &part);
	make_begin(begin, ZSTREAM_RESUMING);
	must(splice_feed(&splice, begin, sizeof(begin), &error));
	if (data[0] & 1)
		result = feed_repaired(&splice, data + 1, size - 1, &error);
	else
		result = feed_pieces(&splice, data + 1, size - 1,
		    (size_t)data[0] * 8 + 1, &error);
	/* What is whole on one side is whole on the other, and what is foreign wrote nothing. */
	if (result == 0 && splice_finish(&splice, &error) == 0)
		must(zstream_finish(&part, &error));
	if (splice.foreign && part.offset != sizeof(broken))
		__builtin_trap();
	return (0);
}
