/*
 * Feeds a zfs send stream to the parser and to the digest, in pieces of the first byte's
 * size; where that byte is odd with every checksum set right on the way, so that the
 * fuzzer gets behind the first record.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/zstream.h"
#include "streamsum/stream_digest.h"

#define AT_CHECKSUM	280
#define AT_END_CHECKSUM	8

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_sum(uint8_t *at, const struct fletcher4 *sum)
{
	uint64_t word;

	for (size_t i = 0; i < 4; i++) {
		word = sum->swap ? __builtin_bswap64(sum->words[i]) :
		    sum->words[i];
		memcpy(at + 8 * i, &word, sizeof(word));
	}
}

/* The record's checksums as they must be behind what stream has seen. */
static void
repair(const struct zstream *stream, uint8_t *record)
{
	static const uint8_t begin[4], end[2][4] = { { 5 }, { 0, 0, 0, 5 } };
	struct fletcher4 sum = stream->sum;

	if (memcmp(record, begin, sizeof(begin)) == 0)
		return;
	if (memcmp(record, end[stream->swap], sizeof(end[0])) == 0)
		put_sum(record + AT_END_CHECKSUM, &sum);
	fletcher4_update(&sum, record, AT_CHECKSUM);
	put_sum(record + AT_CHECKSUM, &sum);
}

static struct stream_digest *digest;	/* NULL: it has refused the stream */

static int
feed(struct zstream *stream, const uint8_t *data, size_t size, struct error *error)
{
	struct error refused;

	if (digest != NULL && stream_digest_feed(digest, data, size, &refused) == -1) {
		stream_digest_free(digest);
		digest = NULL;
	}
	return (zstream_feed(stream, data, size, error));
}

static int
feed_repaired(struct zstream *stream, const uint8_t *data, size_t size,
    struct error *error)
{
	uint8_t record[ZSTREAM_RECORD_SIZE];
	size_t take;

	for (; size > 0; data += take, size -= take) {
		take = sizeof(record);
		if (stream->payload_left > 0)
			take = stream->payload_left < size ?
			    (size_t)stream->payload_left : size;
		else if (size < take)
			return (feed(stream, data, size, error));
		if (stream->payload_left > 0) {
			if (feed(stream, data, take, error) == -1)
				return (-1);
			continue;
		}
		memcpy(record, data, sizeof(record));
		repair(stream, record);
		if (feed(stream, record, sizeof(record), error) == -1)
			return (-1);
	}
	return (0);
}

static void
finish(const struct zstream *stream)
{
	struct stream_sum sum;
	struct error error;

	/* What can be compared could be kept. */
	if (digest != NULL && stream_digest_finish(digest, &sum, &error) == 0 &&
	    zstream_finish(stream, &error) == -1)
		__builtin_trap();
	stream_digest_free(digest);
	digest = NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zstream stream;
	struct error error;
	size_t piece, take;

	if (size < 1)
		return (0);
	zstream_init(&stream, "kept");
	digest = stream_digest_new(NULL, NULL);
	if (data[0] & 1) {
		feed_repaired(&stream, data + 1, size - 1, &error);
		finish(&stream);
		return (0);
	}
	piece = (size_t)data[0] * 8 + 1;
	for (size_t at = 1; at < size; at += take) {
		take = size - at < piece ? size - at : piece;
		if (feed(&stream, data + at, take, &error) == -1)
			break;
	}
	finish(&stream);
	return (0);
}
