#include <inttypes.h>

#include "format/nvlist.h"
#include "format/stream_head.h"

void
stream_head_init(struct stream_head *head)
{
	*head = (struct stream_head){ .bytes = BUFFER_EMPTY(STREAM_HEAD_MAX) };
	zstream_init(&head->stream, "kept");
}

size_t
stream_head_missing(const struct stream_head *head)
{
	const struct zstream *stream = &head->stream;
	size_t missing = ZSTREAM_RECORD_SIZE - stream->have;

	if (head->known)
		return (0);
	if (stream->state == ZSTREAM_IN_WRAPPER)	/* its END, and BEGIN */
		missing += (size_t)stream->payload_left + ZSTREAM_RECORD_SIZE;
	return (missing);
}

/*
 * A package of a filesystem with all below it lacks the mark "not_recursive".  (zstream.c
 * detects a wrapper of several snapshots of one filesystem, by the name of the first.)
 */
static int
refuse_package(const struct stream_head *head, struct error *error)
{
	const size_t length = buffer_length(&head->bytes) - 3 * ZSTREAM_RECORD_SIZE;
	struct nvlist properties;

	if (length == 0)
		return (0);
	if (nvlist_parse(&properties, buffer_front(&head->bytes) +
	    ZSTREAM_RECORD_SIZE, length, error) == -1) {
		error->code = EXIT_FAILED;
		return (error_prefix(error, "the stream's properties"));
	}
	if (nvlist_find_boolean(&properties, "not_recursive") == NVLIST_FOUND)
		return (0);
	return (error_set(error, EXIT_FAILED, "the stream is a package of several "
	    "streams (zfs send -R): send one snapshot at a time"));
}

/* One piece that ends at the head's end, or before. */
static int
feed_piece(struct stream_head *head, const void *bytes, size_t length,
    struct error *error)
{
	if (buffer_append(&head->bytes, bytes, length) == -1)
		return (error_errno(error, "the stream's first %zu bytes",
		    buffer_length(&head->bytes) + length));
	/* Once the stream has begun, it does not matter here if it cannot be stored. */
	if (zstream_feed(&head->stream, bytes, length, error) == -1 &&
	    !head->stream.begun)
		return (-1);
	head->known = head->stream.begun;
	return (head->known && head->stream.with_properties ?
	    refuse_package(head, error) : 0);
}

int
stream_head_feed(struct stream_head *head, const void *bytes, size_t length,
    struct error *error)
{
	const uint8_t *at = bytes;
	size_t take;

	for (; length > 0 && !head->known; at += take, length -= take) {
		take = stream_head_missing(head);
		take = length < take ? length : take;
		if (feed_piece(head, at, take, error) == -1)
			return (-1);
	}
	return (0);
}

int
stream_head_end(const struct stream_head *head, struct error *error)
{
	const size_t length = buffer_length(&head->bytes);

	if (length == 0)
		return (error_set(error, EXIT_FAILED,
		    "the stream has ended before its first byte"));
	return (error_set(error, EXIT_FAILED, length < ZSTREAM_RECORD_SIZE ?
	    "the stream ends within its first record, after %zu bytes" :
	    "the stream ends within its properties, after %zu bytes", length));
}

void
stream_head_free(struct stream_head *head)
{
	buffer_free(&head->bytes);
	stream_head_init(head);
}
