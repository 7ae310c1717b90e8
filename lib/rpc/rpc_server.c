#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/rpc_server.h"

#define LINGER_MS	10000	/* for the rest of a refused request */

/* The texts of GOAWAY, and of the PING behind the first one, as in grpc-go. */
#define STOP_TEXT	"graceful_stop"
#define STOP_MS		5000	/* for the answer to that PING */
static const uint8_t goaway_ping[8] = { 1, 6, 1, 8, 0, 3, 3, 9 };

static void
drop_answer(struct rpc_server *server, struct rpc_call *call)
{
	server->answer_bytes -= buffer_length(&call->output);
	buffer_free(&call->output);
}

static void
move(struct rpc_server *server, struct rpc_call *call, enum rpc_call_state state)
{
	TAILQ_REMOVE(&server->calls[call->state], call, entries);
	call->state = state;
	TAILQ_INSERT_TAIL(&server->calls[state], call, entries);
}

void
rpc_server_forget(struct rpc_server *server, struct rpc_call *call)
{
	TAILQ_REMOVE(&server->calls[call->state], call, entries);
	rpc_connection_drop(&server->connection, &call->message);
	drop_answer(server, call);
	free(call);
}

/* --- answers --- */

static void
refuse_http(struct rpc_server *server, struct rpc_call *call,
    const char *http_status, enum grpc_status status, const char *text)
{
	char number[16], encoded[GRPC_MESSAGE_ENCODED_MAX + 1];
	nghttp2_nv headers[4];

	snprintf(number, sizeof(number), "%u", (unsigned)status);
	grpc_percent_encode(encoded, sizeof(encoded), text);
	headers[0] = rpc_header(":status", http_status);
	headers[1] = rpc_header("content-type", "application/grpc");
	headers[2] = rpc_header("grpc-status", number);
	headers[3] = rpc_header("grpc-message", encoded);
	rpc_connection_drop(&server->connection, &call->message);
	move(server, call, RPC_CALL_ANSWERED);
	nghttp2_submit_response(server->connection.session, call->stream_id,
	    headers, 4, NULL);
	/* With a reset at once, the client (grpcio) could see it before the status. */
	call->deadline = server->connection.now + LINGER_MS;
}

void
rpc_server_refuse(struct rpc_server *server, struct rpc_call *call,
    enum grpc_status status, const char *text)
{
	refuse_http(server, call, "200", status, text);
}

static ssize_t
read_answer(nghttp2_session *session, int32_t stream_id, uint8_t *bytes,
    size_t size, uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
	struct rpc_server *server = user_data;
	struct rpc_call *call = source->ptr;
	nghttp2_nv trailers[2];

	size = rpc_take_output(&call->output, bytes, size);
	server->answer_bytes -= size;
	pace_moved(&server->answers, size, server->connection.now);
	if (buffer_length(&call->output) > 0)
		return ((ssize_t)size);
	buffer_free(&call->output);
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	trailers[0] = rpc_header("grpc-status", "0");
	trailers[1] = rpc_header("grpc-message", "");
	if (nghttp2_submit_trailer(session, stream_id, trailers, 2) != 0)
		return (NGHTTP2_ERR_CALLBACK_FAILURE);
	return ((ssize_t)size);
}

void
rpc_server_answer(struct rpc_server *server, struct rpc_call *call,
    const void *message, size_t length)
{
	const nghttp2_data_provider provider = { .source.ptr = call,
	    .read_callback = read_answer };
	const nghttp2_nv headers[2] = { rpc_header(":status", "200"),
	    rpc_header("content-type", "application/grpc") };

	if (grpc_message_frame(&call->output, message, length) == -1) {
		rpc_server_refuse(server, call, GRPC_RESOURCE_EXHAUSTED,
		    "the answer is too long");
		return;
	}
	if (server->answer_bytes == 0)
		pace_start(&server->answers, RPC_STALLED_MS,
		    server->connection.now);
	server->answer_bytes += buffer_length(&call->output);
	rpc_connection_drop(&server->connection, &call->message);
	move(server, call, RPC_CALL_ANSWERED);
	call->deadline = INT64_MAX;
	nghttp2_submit_response(server->connection.session, call->stream_id,
	    headers, 2, &provider);
}

/* --- requests --- */

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
    void *user_data)
{
	struct rpc_server *server = user_data;
	struct rpc_call *call;

	if (frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return (0);
	if (server->streams >= RPC_STREAMS_MAX ||
	    (call = calloc(1, sizeof(*call))) == NULL) {
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
		    frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
		return (0);
	}
	call->stream_id = frame->hd.stream_id;
	call->begun = server->connection.now;
	call->deadline = call->begun + RPC_REQUEST_MS;
	call->message = GRPC_MESSAGE_EMPTY(RPC_REQUEST_MAX);
	server->streams++;
	TAILQ_INSERT_TAIL(&server->calls[RPC_CALL_READING], call, entries);
	nghttp2_session_set_stream_user_data(session, call->stream_id, call);
	return (0);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_length, const uint8_t *value,
    size_t value_length, uint8_t flags, void *user_data)
{
	struct rpc_server *server = user_data;
	struct rpc_call *call;

	(void)flags;
	call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (call == NULL || rpc_headers_add(&call->headers, name, name_length,
	    value, value_length) == 0)
		return (0);
	rpc_connection_break(&server->connection, NGHTTP2_ENHANCE_YOUR_CALM,
	    "the client's headers are too long");
	return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
}

/* The header list is complete: is the call valid? */
static void
check_headers(struct rpc_server *server, struct rpc_call *call)
{
	enum grpc_status status;
	const char *http_status;
	struct error error;

	call->headers.complete = true;
	status = rpc_headers_check(&call->headers, &call->method, &http_status,
	    &error);
	if (status != GRPC_OK)
		refuse_http(server, call, http_status, status, error.text);
	else if (call->headers.timeout_given &&
	    call->headers.timeout < RPC_REQUEST_MS)
		call->deadline = call->begun + call->headers.timeout;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id,
    const uint8_t *bytes, size_t size, void *user_data)
{
	struct rpc_server *server = user_data;
	struct rpc_call *call;
	enum grpc_status status;
	struct error error;

	(void)flags;
	call = nghttp2_session_get_stream_user_data(session, stream_id);
	if (call == NULL || call->state != RPC_CALL_READING)
		return (0);
	status = rpc_connection_append(&server->connection, stream_id,
	    &call->message, bytes, size, &error);
	if (status != GRPC_OK)
		rpc_server_refuse(server, call, status, error.text);
	return (0);
}

static void
on_end(struct rpc_server *server, struct rpc_call *call)
{
	if (!grpc_message_complete(&call->message))
		rpc_server_refuse(server, call, GRPC_INTERNAL,
		    "the request ends in the middle of its message");
	else {
		call->deadline = call->headers.timeout_given ?
		    call->begun + call->headers.timeout : INT64_MAX;
		move(server, call, RPC_CALL_READY);
	}
}

/* No more calls can come: the number of the last one is known. */
static void
take_no_more(struct rpc_server *server)
{
	nghttp2_session *session = server->connection.session;

	server->state = RPC_STOPPING;
	nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(session),
	    NGHTTP2_NO_ERROR, (const uint8_t *)STOP_TEXT, strlen(STOP_TEXT));
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct rpc_server *server = user_data;
	struct rpc_call *call;

	rpc_connection_received(&server->connection, frame);
	if (frame->hd.type == NGHTTP2_PING &&
	    (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
	    server->state == RPC_STOP_ANNOUNCED &&
	    memcmp(frame->ping.opaque_data, goaway_ping, 8) == 0)
		take_no_more(server);
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return (0);
	call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (call != NULL && !call->headers.complete)
		check_headers(server, call);
	if (call != NULL && call->state == RPC_CALL_READING &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		on_end(server, call);
	return (0);
}

static int
on_close(nghttp2_session *session, int32_t stream_id, uint32_t code,
    void *user_data)
{
	struct rpc_server *server = user_data;
	struct rpc_call *call;

	(void)code;
	call = nghttp2_session_get_stream_user_data(session, stream_id);
	if (call == NULL)
		return (0);
	server->streams--;
	if (call->state == RPC_CALL_RUNNING)
		move(server, call, RPC_CALL_CANCELLED);
	else
		rpc_server_forget(server, call);
	return (0);
}

/* --- the caller's side --- */

int
rpc_server_init(struct rpc_server *server, int64_t now, struct error *error)
{
	nghttp2_session_callbacks *callbacks;
	int result;

	*server = (struct rpc_server){ .state = RPC_SERVING };
	for (size_t i = 0; i <= RPC_CALL_CANCELLED; i++)
		TAILQ_INIT(&server->calls[i]);
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
	    on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	result = rpc_connection_init(&server->connection, true,
	    RPC_REQUESTS_MAX, callbacks, now, error);
	nghttp2_session_callbacks_del(callbacks);
	return (result);
}

void
rpc_server_free(struct rpc_server *server)
{
	struct rpc_call *call;

	rpc_connection_free(&server->connection);
	for (size_t i = 0; i <= RPC_CALL_CANCELLED; i++)
		while ((call = TAILQ_FIRST(&server->calls[i])) != NULL)
			rpc_server_forget(server, call);
}

struct rpc_call *
rpc_server_next(struct rpc_server *server)
{
	struct rpc_call *call = TAILQ_FIRST(&server->calls[RPC_CALL_READY]);

	if (call != NULL)
		move(server, call, RPC_CALL_RUNNING);
	return (call);
}

struct rpc_call *
rpc_server_next_cancelled(struct rpc_server *server)
{
	return (TAILQ_FIRST(&server->calls[RPC_CALL_CANCELLED]));
}

/* The server sees to the deadlines of calls in these states; the caller to others. */
#define TIMED 3
static const enum rpc_call_state timed[TIMED] = { RPC_CALL_READING,
	RPC_CALL_READY, RPC_CALL_ANSWERED };

/* Calls that wait for their turn, or for the rest of their request, expire here. */
static void
expire(struct rpc_server *server, struct rpc_calls *calls, int64_t now)
{
	struct rpc_call *call, *next;

	TAILQ_FOREACH_SAFE(call, calls, entries, next) {
		if (now < call->deadline)
			continue;
		call->deadline = INT64_MAX;
		if (call->state == RPC_CALL_ANSWERED)
			nghttp2_submit_rst_stream(server->connection.session,
			    NGHTTP2_FLAG_NONE, call->stream_id, NGHTTP2_NO_ERROR);
		else
			rpc_server_refuse(server, call, GRPC_DEADLINE_EXCEEDED,
			    "context deadline exceeded");
	}
}

int
rpc_server_tick(struct rpc_server *server, int64_t now, struct error *error)
{
	if (rpc_connection_tick(&server->connection, now, error) == -1)
		return (-1);
	for (size_t i = 0; i < TIMED; i++)
		expire(server, &server->calls[timed[i]], now);
	if (server->state == RPC_STOP_ANNOUNCED && now >= server->stop_by)
		take_no_more(server);
	/* A client that answers PINGs but opens no window is stuck, too. */
	if (server->answer_bytes > 0 &&
	    now >= pace_deadline(&server->answers))
		return (error_set(error, EXIT_TIMEOUT, "the client takes nothing, "
		    "or next to nothing, of its answers for %d seconds",
		    RPC_STALLED_MS / 1000));
	return (0);
}

int64_t
rpc_server_deadline(const struct rpc_server *server)
{
	int64_t next = rpc_connection_deadline(&server->connection);
	const struct rpc_call *call;

	for (size_t i = 0; i < TIMED; i++)
		TAILQ_FOREACH(call, &server->calls[timed[i]], entries)
			if (call->deadline < next)
				next = call->deadline;
	if (server->answer_bytes > 0 && pace_deadline(&server->answers) < next)
		next = pace_deadline(&server->answers);
	if (server->state == RPC_STOP_ANNOUNCED && server->stop_by < next)
		next = server->stop_by;
	return (next);
}

void
rpc_server_stop(struct rpc_server *server)
{
	if (server->state != RPC_SERVING)
		return;
	server->state = RPC_STOP_ANNOUNCED;
	server->stop_by = server->connection.now + STOP_MS;
	rpc_connection_goaway(&server->connection, INT32_MAX, STOP_TEXT);
	nghttp2_submit_ping(server->connection.session, NGHTTP2_FLAG_NONE,
	    goaway_ping);
}

bool
rpc_server_done(const struct rpc_server *server)
{
	return (server->state == RPC_STOPPING && server->streams == 0 &&
	    TAILQ_EMPTY(&server->calls[RPC_CALL_CANCELLED]));
}
