#include <string.h>

#include "dataconn.h"

int
dataconn_request(struct dataconn *conn, const char *path, const void *message,
    size_t length, struct error *error)
{
	if (stream_append_message(&conn->out, FRAME_REQ_HEADER, path,
	    strlen(path), error) == -1)
		return (-1);
	return (stream_append_message(&conn->out, FRAME_REQ_STRUCTURED, message,
	    length, error));
}

int
dataconn_response(struct dataconn *conn, const void *message, size_t length,
    struct error *error)
{
	if (stream_append_message(&conn->out, FRAME_RES_HEADER, EXCHANGE_OK,
	    strlen(EXCHANGE_OK), error) == -1)
		return (-1);
	return (stream_append_message(&conn->out, FRAME_RES_STRUCTURED, message,
	    length, error));
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
	    length, error));
}
