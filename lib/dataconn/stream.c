#include <string.h>

#include "base/utf8.h"
#include "dataconn/frame_length.h"
#include "dataconn/stream.h"

int
stream_append_frame(struct buffer *out, enum frame_type type,
    const void *payload, size_t length, struct error *error)
{
	uint8_t header[FRAME_HEADER_SIZE];

	frame_encode(header, type, (uint32_t)length);
	if (buffer_append(out, header, sizeof(header)) == -1 ||
	    buffer_append(out, payload, length) == -1)
		return (error_errno(error, "cannot queue a frame"));
	return (0);
}

int
stream_append_empty(struct buffer *out, enum frame_type type, struct error *error)
{
	return (stream_append_frame(out, type, "", 0, error));
}

static size_t
longest(enum frame_type type)
{
	switch (type) {
	case FRAME_REQ_STRUCTURED:
		return (STREAM_REQUEST_MAX);
	case FRAME_RES_STRUCTURED:
		return (STREAM_RESPONSE_MAX);
	default:
		return (STREAM_HEADER_MAX);
	}
}

int
stream_append_message(struct buffer *out, enum frame_type type,
    const void *bytes, size_t length, struct error *error)
{
	const uint8_t *from = bytes;
	size_t piece;

	if (length > longest(type))
		return (error_set(error, EXIT_USAGE, "a message of %zu bytes "
		    "cannot be sent: a peer takes %zu", length, longest(type)));
	while (length > 0) {
		piece = frame_length(length, FRAME_LENGTH_LAST);
		if (piece == 0)
			return (error_set(error, EXIT_USAGE,
			    "a message of one byte cannot be sent"));
		if (stream_append_frame(out, type, from, piece, error) == -1)
			return (-1);
		from += piece;
		length -= piece;
	}
	return (stream_append_empty(out, FRAME_END, error));
}

int
stream_append_error(struct buffer *out, const char *text, struct error *error)
{
	char padded[3];
	size_t length = strlen(text);

	if (length == 0) {
		text = "unknown error";
		length = strlen(text);
	} else if (length == 1) {
		padded[0] = text[0];
		padded[1] = '.';
		padded[2] = '\0';
		text = padded;
		length = 2;
	} else if (length > STREAM_ERROR_MAX)
		length = STREAM_ERROR_MAX;
	return (stream_append_message(out, FRAME_STREAM_ERROR, text, length,
	    error));
}

void
stream_reader_init(struct stream_reader *stream, enum frame_type type)
{
	*stream = (struct stream_reader){ .type = type,
	    .error = BUFFER_EMPTY(STREAM_ERROR_MAX + 1) };
}

static bool
is_of_type(const struct stream_reader *stream, uint32_t type)
{
	return (type == (uint32_t)stream->type ||
	    (type == FRAME_ZFS_STREAM_ZSTD && stream->compressed));
}

static enum stream_event
frame_begins(struct stream_reader *stream, const struct frame_header *header,
    struct error *error)
{
	const char *name = frame_type_name(header->type);

	stream->frame = header->type;
	if (header->type == FRAME_END) {
		if (header->length != 0) {
			error_set(error, EXIT_PROTOCOL, "an End frame has a "
			    "payload of %u bytes", header->length);
			return (STREAM_BROKEN);
		}
		return (stream->failed ? STREAM_FAILED : STREAM_END);
	}
	if (header->type == FRAME_STREAM_ERROR) {
		stream->failed = true;
		return (STREAM_MORE);
	}
	if (is_of_type(stream, header->type) && !stream->failed)
		return (STREAM_MORE);
	if (name == NULL)
		error_set(error, EXIT_PROTOCOL, "unknown frame type 0x%08x",
		    header->type);
	else
		error_set(error, EXIT_PROTOCOL, "unexpected %s frame %s %s",
		    name, stream->failed ? "after an error trailer of" : "inside",
		    frame_type_name(stream->type));
	return (STREAM_BROKEN);
}

enum stream_event
stream_reader_item(struct stream_reader *stream,
    const struct frame_header *header, const struct frame_item *item,
    struct error *error)
{
	size_t room;

	switch (item->kind) {
	case FRAME_ITEM_HEADER:
		return (frame_begins(stream, header, error));
	case FRAME_ITEM_PAYLOAD:
		if (is_of_type(stream, stream->frame))
			return (STREAM_DATA);
		/* If an error text is endless, its beginning is enough. */
		room = STREAM_ERROR_MAX - buffer_length(&stream->error);
		if (buffer_append(&stream->error, item->payload,
		    item->length < room ? item->length : room) == -1) {
			error_errno(error, "error trailer");
			return (STREAM_BROKEN);
		}
		return (STREAM_MORE);
	case FRAME_ITEM_NONE:
		break;
	}
	return (STREAM_MORE);
}

const char *
stream_reader_error(struct stream_reader *stream)
{
	const size_t length = buffer_length(&stream->error);
	char *text;

	if (length == 0 || (text = buffer_text(&stream->error)) == NULL)
		return ("the producer failed without saying why");
	utf8_sanitize(text, text, length);
	return (text);
}

void
stream_reader_free(struct stream_reader *stream)
{
	buffer_free(&stream->error);
}
