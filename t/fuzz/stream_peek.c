/*
 * Feeds bytes to what decides how a stream begins (stream_head.h), in pieces of
 * the first byte's size, and where that is odd with the checksum of the wrapper's
 * END set right on the way.  Asserts what the receiver relies on: a head that is
 * known is of a stream that has begun, what is kept is what came, and no more is
 * said to be missing than may come.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/stream_head.h"

#define AT_CHECKSUM	280
#define AT_END_CHECKSUM	8

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct stream_head *head, size_t fed)
{
	const size_t length = buffer_length(&head->bytes);

	assert(length <= fed);
	assert(head->known || length == fed);
	assert((stream_head_missing(head) == 0) == head->known);
	assert(stream_head_missing(head) <= STREAM_HEAD_MAX - length);
	assert(!head->known || (head->stream.begun && head->stream.to_guid != 0));
}

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

/* The next record or payload; a wrapper's END gets the sum that it needs. */
static size_t
repair(const struct zstream *stream, uint8_t *at)
{
	if (stream->payload_left > 0)
		return ((size_t)stream->payload_left);
	if (stream->state == ZSTREAM_IN_WRAPPER) {
		put_sum(at + AT_END_CHECKSUM, &stream->sum);
		memset(at + AT_CHECKSUM, 0, 32);
	}
	return (ZSTREAM_RECORD_SIZE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[(1 << 20) + ZSTREAM_RECORD_SIZE];
	struct stream_head head;
	struct error error;
	size_t take, fed = 0;

	if (size < 1 || size > 1 << 20)
		return (0);
	memcpy(copy, data + 1, size - 1);
	stream_head_init(&head);
	while (fed < size - 1 && !head.known) {
		take = (data[0] & 1) != 0 ? repair(&head.stream, copy + fed) :
		    (size_t)data[0] * 8 + 1;
		if (take > size - 1 - fed)
			take = size - 1 - fed;
		if (stream_head_feed(&head, copy + fed, take, &error) == -1)
			break;
		fed += take;
		check(&head, fed);
	}
	assert(memcmp(buffer_front(&head.bytes), copy,
	    buffer_length(&head.bytes)) == 0);
	if (!head.known)
		stream_head_end(&head, &error);
	stream_head_free(&head);
	return (0);
}
