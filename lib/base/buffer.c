#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

size_t
buffer_length(const struct buffer *buffer)
{
	return (buffer->private.end - buffer->private.start);
}

size_t
buffer_max(const struct buffer *buffer)
{
	return (buffer->private.max);
}

const uint8_t *
buffer_front(const struct buffer *buffer)
{
	static const uint8_t nothing[1];

	return (buffer->private.bytes == NULL ? nothing :
	    buffer->private.bytes + buffer->private.start);
}

int
buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	const size_t have = buffer_length(buffer);
	size_t capacity = buffer->private.capacity;
	uint8_t *grown;

	if (length > buffer->private.max || have > buffer->private.max - length) {
		errno = ENOBUFS;
		return (-1);
	}
	if (length == 0)
		return (0);
	if (buffer->private.start > 0 &&
	    buffer->private.capacity - buffer->private.end < length) {
		memmove(buffer->private.bytes,
		    buffer->private.bytes + buffer->private.start, have);
		buffer->private.start = 0;
		buffer->private.end = have;
	}
	if (buffer->private.capacity - buffer->private.end < length) {
		if (capacity < 256)
			capacity = 256;
		while (capacity < have + length)
			capacity *= 2;
		if (capacity > buffer->private.max)
			capacity = buffer->private.max;
		grown = realloc(buffer->private.bytes, capacity);
		if (grown == NULL)
			return (-1);
		buffer->private.bytes = grown;
		buffer->private.capacity = capacity;
	}
	memcpy(buffer->private.bytes + buffer->private.end, bytes, length);
	buffer->private.end += length;
	return (0);
}

char *
buffer_text(struct buffer *buffer)
{
	if (buffer_append(buffer, "", 1) == -1)
		return (NULL);
	buffer->private.end--;
	return ((char *)buffer->private.bytes + buffer->private.start);
}

void
buffer_truncate(struct buffer *buffer, size_t length)
{
	if (length > buffer_length(buffer))
		abort();
	buffer->private.end = buffer->private.start + length;
}

void
buffer_consume(struct buffer *buffer, size_t length)
{
	if (length > buffer_length(buffer))
		abort();
	buffer->private.start += length;
	if (buffer->private.start < buffer->private.end)
		return;
	buffer->private.start = buffer->private.end = 0;
	if (buffer->private.capacity > BUFFER_KEPT)
		buffer_free(buffer);
}

void *
buffer_release(struct buffer *buffer, size_t *length)
{
	uint8_t *bytes = NULL;

	if (buffer_append(buffer, "", 1) == 0) {
		bytes = buffer->private.bytes;
		if (length != NULL)
			*length = buffer_length(buffer) - 1;
		memmove(bytes, bytes + buffer->private.start, buffer_length(buffer));
		*buffer = BUFFER_EMPTY(buffer->private.max);
	}
	return (bytes);
}

void
buffer_free(struct buffer *buffer)
{
	free(buffer->private.bytes);
	*buffer = BUFFER_EMPTY(buffer->private.max);
}
