#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

size_t
buffer_length(const struct buffer *buffer)
{
	return (buffer->end - buffer->start);
}

const uint8_t *
buffer_front(const struct buffer *buffer)
{
	static const uint8_t nothing[1];

	return (buffer->bytes != NULL ? buffer->bytes + buffer->start : nothing);
}

int
buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	const size_t have = buffer_length(buffer);
	size_t capacity = buffer->capacity;
	uint8_t *grown;

	if (length > buffer->max || have > buffer->max - length) {
		errno = ENOBUFS;
		return (-1);
	}
	if (length == 0)
		return (0);
	if (buffer->start > 0 && buffer->capacity - buffer->end < length) {
		memmove(buffer->bytes, buffer->bytes + buffer->start, have);
		buffer->start = 0;
		buffer->end = have;
	}
	if (buffer->capacity - buffer->end < length) {
		if (capacity < 256)
			capacity = 256;
		while (capacity < have + length)
			capacity *= 2;
		if (capacity > buffer->max)
			capacity = buffer->max;
		grown = realloc(buffer->bytes, capacity);
		if (grown == NULL)
			return (-1);
		buffer->bytes = grown;
		buffer->capacity = capacity;
	}
	memcpy(buffer->bytes + buffer->end, bytes, length);
	buffer->end += length;
	return (0);
}

void
buffer_consume(struct buffer *buffer, size_t length)
{
	buffer->start += length;
	if (buffer->start < buffer->end)
		return;
	buffer->start = buffer->end = 0;
	if (buffer->capacity > BUFFER_KEPT)
		buffer_free(buffer);
}

void *
buffer_release(struct buffer *buffer, size_t *length)
{
	uint8_t *bytes = NULL;

	if (buffer_append(buffer, "", 1) == 0) {
		bytes = buffer->bytes;
		if (length != NULL)
			*length = buffer_length(buffer) - 1;
		memmove(bytes, bytes + buffer->start, buffer_length(buffer));
		*buffer = BUFFER_EMPTY(buffer->max);
	}
	return (bytes);
}

void
buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = BUFFER_EMPTY(buffer->max);
}
