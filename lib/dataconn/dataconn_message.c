#include <string.h>

#include "base/io.h"
#include "dataconn/dataconn.h"

/* What is queued now is a message, and whoever it is for does not get for ever. */
static int
queued(struct dataconn *conn)
{
	conn->message_left = buffer_length(&conn->out);
	pace_start(&conn->message, DATACONN_MESSAGE_MS, io_now());
	return (0);
}

/* Both or, where the message cannot be sent, neither. */
static int
append(struct buffer *out, enum frame_type header_type, const char *header,
    enum frame_type type, const void *message, size_t length, struct error *error)
{
	const size_t before = buffer_length(out);

	if (stream_append_message(out, header_type, header, strlen(header),
	    error) == 0 &&
	    stream_append_message(out, type, message, length, error) == 0)
		return (0);
	buffer_truncate(out, before);
	return (-1);
}

int
dataconn_request(struct dataconn *conn, const char *path, const void *message,
    size_t length, struct error *error)
{
	return (append(&conn->out, FRAME_REQ_HEADER, path, FRAME_REQ_STRUCTURED,
	    message, length, error) == 0 ? queued(conn) : -1);
}

int
dataconn_response(struct dataconn *conn, const void *message, size_t length,
    struct error *error)
{
	return (append(&conn->out, FRAME_RES_HEADER, EXCHANGE_OK,
	    FRAME_RES_STRUCTURED, message, length, error) == 0 ?
	    queued(conn) : -1);
}

int
dataconn_refuse(struct dataconn *conn, const char *text, struct error *error)
{
	char header[STREAM_HEADER_MAX];
	size_t length;

	strlcpy(header, EXCHANGE_ERROR, sizeof(header));
	length = strlcat(header, text, sizeof(header));
	if (length >= sizeof(header))
		length = sizeof(header) - 1;
	return (stream_append_message(&conn->out, FRAME_RES_HEADER, header,
	    length, error) == 0 ? queued(conn) : -1);
}
