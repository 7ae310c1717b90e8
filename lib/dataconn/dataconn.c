#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/zstd_library.h"
#include "dataconn/dataconn_private.h"

#define UNSENT_MAX	(1u << 20)	/* bytes, of a connection that compresses */

struct dataconn *
dataconn_new(const struct chain *chain, enum exchange_role role,
    enum method_kind method, const struct rate *rate, struct error *error)
{
	struct dataconn *conn = calloc(1, sizeof(*conn));
	const int64_t now = io_now();

	if (conn == NULL) {
		error_errno(error, "data connection");
		return (NULL);
	}
	conn->rate = *rate;
	conn->stream_ms = DATACONN_STREAM_MS;
	if (role == EXCHANGE_SERVER)
		conn->statistics.started = now;
	liveness_init(&conn->liveness, now);
	if (role == EXCHANGE_SERVER)
		liveness_expect(&conn->liveness, now + DATACONN_REQUEST_MS,
		    "the client's request has not come in 30 seconds");
	dataconn_out_init(&conn->out, chain->write_fd);
	if (dataconn_in_init(&conn->in, chain->read_fd, role, method, error) == 0) {
		if (io_set_nonblocking(chain->read_fd, true) == 0 &&
		    io_set_nonblocking(chain->write_fd, true) == 0)
			return (conn);
		error_errno(error, "data connection");
	}
	dataconn_free(conn);
	return (NULL);
}

void
dataconn_limit_stream(struct dataconn *conn, int64_t stream_ms)
{
	conn->stream_ms = stream_ms;
}

int
dataconn_compress(struct dataconn *conn, struct error *error)
{
	if (zstd_library(error) == NULL)
		return (-1);
	/* How fast the network is shows only once its queue is full. */
	io_limit_unsent(conn->out.fd, UNSENT_MAX);
	exchange_allow_compression(&conn->in.exchange);
	conn->out.compresses = true;
	return (0);
}

void
dataconn_free(struct dataconn *conn)
{
	if (conn == NULL)
		return;
	dataconn_out_free(&conn->out);
	dataconn_in_free(&conn->in);
	free(conn);
}

/* --- what the caller gives and asks --- */

int
dataconn_request(struct dataconn *conn, const char *path, const void *message,
    size_t length, struct error *error)
{
	return (dataconn_out_message(&conn->out, FRAME_REQ_HEADER, path,
	    FRAME_REQ_STRUCTURED, message, length, error));
}

int
dataconn_response(struct dataconn *conn, const void *message, size_t length,
    struct error *error)
{
	return (dataconn_out_message(&conn->out, FRAME_RES_HEADER, EXCHANGE_OK,
	    FRAME_RES_STRUCTURED, message, length, error));
}

int
dataconn_refuse(struct dataconn *conn, const char *text, struct error *error)
{
	char header[STREAM_HEADER_MAX];

	if (conn->in.shutdown_seen)
		return (0);
	snprintf(header, sizeof(header), EXCHANGE_ERROR "%s", text);
	return (dataconn_out_message(&conn->out, FRAME_RES_HEADER, header,
	    FRAME_RES_STRUCTURED, NULL, 0, error));
}

const struct buffer *
dataconn_path(const struct dataconn *conn)
{
	return (&conn->in.exchange.header);
}

struct buffer *
dataconn_message(struct dataconn *conn)
{
	return (&conn->in.exchange.message);
}

const char *
dataconn_text(struct dataconn *conn)
{
	return (exchange_text(&conn->in.exchange));
}

int
dataconn_source(struct dataconn *conn, int fd, struct error *error)
{
	(void)io_widen_pipe(fd, DATACONN_PIPE);
	return (dataconn_out_begin(&conn->out, fd, error));
}

int
dataconn_source_finish(struct dataconn *conn, const char *failure,
    struct error *error)
{
	return (dataconn_out_finish(&conn->out, failure, error));
}

bool
dataconn_has_source(const struct dataconn *conn)
{
	return (conn->out.source == DATACONN_SOURCE_OPEN);
}

void
dataconn_sink(struct dataconn *conn, int fd)
{
	if (fd != -1)
		(void)io_widen_pipe(fd, DATACONN_PIPE);
	dataconn_in_sink(&conn->in, fd == -1 ? DATACONN_SINK_NONE :
	    DATACONN_SINK_OPEN, fd);
}

void
dataconn_sink_later(struct dataconn *conn)
{
	dataconn_in_sink(&conn->in, DATACONN_SINK_LATER, -1);
}

void
dataconn_drop_streams(struct dataconn *conn)
{
	dataconn_in_sink(&conn->in, DATACONN_SINK_NONE, -1);
	dataconn_out_drop(&conn->out);
}

uint64_t
dataconn_bytes(const struct dataconn *conn)
{
	return (conn->statistics.bytes);
}

uint64_t
dataconn_moved(const struct dataconn *conn)
{
	if (conn->out.source == DATACONN_SOURCE_NONE &&
	    conn->in.sink != DATACONN_SINK_OPEN)
		return (0);
	return (conn->statistics.bytes - conn->in.pending_length);
}

bool
dataconn_waits_for_peer(const struct dataconn *conn)
{
	if (conn->out.source != DATACONN_SOURCE_NONE)
		return (!dataconn_out_flushed(&conn->out));
	return (conn->in.sink == DATACONN_SINK_OPEN &&
	    conn->in.pending_length == 0);
}

bool
dataconn_left_unused(const struct dataconn *conn)
{
	return (conn->left_unused);
}

/* --- events --- */

static enum dataconn_event
lost(struct dataconn *conn, struct error *error)
{
	conn->phase = DATACONN_IS_LOST;
	*error = conn->error;
	return (DATACONN_LOST);
}

static bool
is_overdrawn(struct dataconn *conn)
{
	if (dataconn_is_held(conn))
		(void)rate_available(&conn->rate, io_now());
	return (dataconn_is_held(conn));
}

/* Interpret the bytes that were read, up to the first event to report. */
static enum dataconn_event
next_from_network(struct dataconn *conn)
{
	enum exchange_event event;

	while (!is_overdrawn(conn) && (event = dataconn_in_next(&conn->in,
	    &conn->error)) != EXCHANGE_MORE)
		switch (event) {
		case EXCHANGE_HEARTBEAT:
			conn->statistics.heartbeats_received++;
			break;
		case EXCHANGE_DATA:
			conn->stream_awaited = false;
			conn->statistics.bytes += conn->in.data_length;
			rate_take(&conn->rate, conn->in.data_length);
			break;
		case EXCHANGE_REQUEST:
			liveness_heard(&conn->liveness, io_now());
			liveness_expect(&conn->liveness, INT64_MAX, NULL);
			return (DATACONN_REQUEST);
		case EXCHANGE_RESPONSE:
			return (DATACONN_RESPONSE);
		case EXCHANGE_REFUSED:
			return (DATACONN_REFUSED);
		case EXCHANGE_STREAM_END:
			return (DATACONN_STREAM_END);
		case EXCHANGE_STREAM_FAILED:
			return (DATACONN_STREAM_FAILED);
		case EXCHANGE_SHUTDOWN:
			conn->liveness.mute = true;
			return (DATACONN_SHUTDOWN);
		default:
			return (DATACONN_LOST);
		}
	return (DATACONN_WAIT);
}

const char *
dataconn_failure(const struct dataconn *conn, int64_t now)
{
	if (now >= dataconn_out_deadline(&conn->out))
		return ("the peer has taken nothing, or next to nothing, of a "
		    "message for 60 seconds");
	return (liveness_failure(&conn->liveness, now));
}

/* The end of the network, once everything before it has been reported. */
static bool
has_ended(struct dataconn *conn)
{
	if (conn->in.network != DATACONN_NETWORK_END ||
	    conn->in.pending_length > 0)
		return (false);
	if (conn->error.code == EXIT_DONE) {
		conn->left_unused = exchange_is_unused(&conn->in.exchange);
		/* An orderly end is an error while the caller still expects data. */
		if (exchange_end_of_file(&conn->in.exchange, &conn->error) == 0)
			error_set(&conn->error, EXIT_PROTOCOL,
			    "the peer closed the connection");
		strlcat(conn->error.text, io_end_remark(conn->in.fd),
		    sizeof(conn->error.text));
	}
	return (true);
}

static bool
is_late(struct dataconn *conn, int64_t now)
{
	const char *failure = dataconn_failure(conn, now);

	if (failure == NULL)
		return (false);
	if (conn->in.unheard > 0 && !conn->liveness.writing &&
	    now < conn->liveness.due)
		failure = "what the peer began to say has not gone on for 10 "
		    "seconds";
	error_set(&conn->error, EXIT_TIMEOUT, "%s", failure);
	return (true);
}

enum dataconn_event
dataconn_next(struct dataconn *conn, struct error *error)
{
	enum dataconn_event event;

	if (conn->phase == DATACONN_IS_LOST)
		return (lost(conn, error));
	event = next_from_network(conn);
	if (dataconn_in_broken(&conn->in, error) == -1)
		return (DATACONN_SINK_FAILED);
	if (event == DATACONN_LOST)
		return (lost(conn, error));
	if (event != DATACONN_WAIT)
		return (event);
	if (has_ended(conn))
		return (lost(conn, error));
	switch (dataconn_out_ended(&conn->out, error)) {
	case 1:
		return (DATACONN_SOURCE_END);
	case -1:
		return (DATACONN_SOURCE_FAILED);
	}
	return (is_late(conn, io_now()) ? lost(conn, error) : DATACONN_WAIT);
}
