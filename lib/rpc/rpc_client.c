#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/grpc_timeout.h"
#include "rpc/rpc_client.h"

#define GOODBYE "client transport shutdown"

/* The request is over; further events of its stream are ignored. */
static void
finish(struct rpc_client *client, struct rpc_request *request,
    enum grpc_status status, enum exit_code code, const char *text)
{
	if (request->finished)
		return;
	request->finished = true;
	request->status = status;
	if (status != GRPC_OK)
		rpc_connection_drop(&client->connection, &request->message);
	error_set(&request->error, code, "%s", text);
	nghttp2_session_set_stream_user_data(client->connection.session,
	    request->stream_id, NULL);
	TAILQ_REMOVE(&client->open, request, entries);
	client->open_count--;
	TAILQ_INSERT_TAIL(&client->finished, request, entries);
}

/* The same, and reset the stream, which the server has not ended. */
static void
end_early(struct rpc_client *client, struct rpc_request *request,
    enum grpc_status status, enum exit_code code, const char *text)
{
	nghttp2_submit_rst_stream(client->connection.session, NGHTTP2_FLAG_NONE,
	    request->stream_id, NGHTTP2_CANCEL);
	finish(client, request, status, code, text);
}

void
rpc_client_cancel(struct rpc_client *client, struct rpc_request *request,
    enum grpc_status status, const char *text)
{
	if (!request->finished)
		end_early(client, request, status,
		    status == GRPC_DEADLINE_EXCEEDED ? EXIT_TIMEOUT :
		    EXIT_FAILED, text);
}

/* --- what the server says --- */

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_length, const uint8_t *value,
    size_t value_length, uint8_t flags, void *user_data)
{
	struct rpc_client *client = user_data;
	struct rpc_request *request;

	(void)flags;
	request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (request != NULL && rpc_answer_add(&request->answer, name,
	    name_length, value, value_length) == -1)
		rpc_connection_break(&client->connection,
		    NGHTTP2_ENHANCE_YOUR_CALM, "the server's headers are too long");
	return (0);
}

static void
on_headers(struct rpc_client *client, struct rpc_request *request)
{
	struct error error;
	const enum grpc_status status = rpc_answer_check(&request->answer, &error);

	if (status != GRPC_OK)
		end_early(client, request, status, error.code, error.text);
}

/* The stream has ended in order. */
static void
on_end(struct rpc_client *client, struct rpc_request *request)
{
	struct error error = { .code = EXIT_DONE };
	const enum grpc_status status = rpc_answer_end(&request->answer,
	    grpc_message_complete(&request->message), &error);

	finish(client, request, status, error.code, error.text);
}

static void
on_goaway(struct rpc_client *client, const nghttp2_goaway *goaway)
{
	char text[64];
	size_t length = goaway->opaque_data_len;

	if (length >= sizeof(text))
		length = sizeof(text) - 1;
	grpc_percent_decode(text, goaway->opaque_data, length);
	client->going_away = true;
	snprintf(client->why, sizeof(client->why), "the server is going away: "
	    "%s%s%s", nghttp2_http2_strerror(goaway->error_code),
	    length > 0 ? ", " : "", text);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct rpc_client *client = user_data;
	struct rpc_request *request;

	rpc_connection_received(&client->connection, frame);
	if (frame->hd.type == NGHTTP2_GOAWAY)
		on_goaway(client, &frame->goaway);
	/* Neither zrepl's SETTINGS nor ours forbid a push; gRPC has no use for it. */
	if (frame->hd.type == NGHTTP2_PUSH_PROMISE)
		rpc_connection_break(&client->connection, NGHTTP2_PROTOCOL_ERROR,
		    "the server pushes what nobody asked for");
	if (frame->hd.stream_id == 0)
		return (0);
	request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (request != NULL && frame->hd.type == NGHTTP2_HEADERS)
		on_headers(client, request);
	if (request != NULL && !request->finished &&
	    (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		on_end(client, request);
	return (0);
}

/* Let the server send more, now or once the caller keeps up again. */
static void
consume(struct rpc_client *client, int32_t stream_id, size_t size)
{
	nghttp2_session_consume_stream(client->connection.session, stream_id, size);
	client->held += size;
	rpc_client_pause(client, client->paused);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id,
    const uint8_t *bytes, size_t size, void *user_data)
{
	struct rpc_client *client = user_data;
	struct rpc_request *request;
	enum grpc_status status;
	struct error error;

	(void)flags;
	consume(client, stream_id, size);
	request = nghttp2_session_get_stream_user_data(session, stream_id);
	if (request == NULL)
		return (0);
	status = rpc_connection_append(&client->connection, stream_id,
	    &request->message, bytes, size, &error);
	if (status != GRPC_OK)
		end_early(client, request, status,
		    status == GRPC_RESOURCE_EXHAUSTED ? EXIT_FAILED :
		    EXIT_PROTOCOL, error.text);
	return (0);
}

static int
on_close(nghttp2_session *session, int32_t stream_id, uint32_t code,
    void *user_data)
{
	struct rpc_client *client = user_data;
	struct rpc_request *request;
	char text[128];

	request = nghttp2_session_get_stream_user_data(session, stream_id);
	if (request == NULL)
		return (0);
	if (client->going_away && code == NGHTTP2_REFUSED_STREAM)
		strlcpy(text, client->why, sizeof(text));
	else
		snprintf(text, sizeof(text), "stream terminated by RST_STREAM "
		    "with error code: %s", nghttp2_http2_strerror(code));
	finish(client, request, grpc_status_of_reset(code), EXIT_FAILED, text);
	return (0);
}

static int
on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int code,
    void *user_data)
{
	struct rpc_client *client = user_data;
	struct rpc_request *request;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return (0);
	request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (request != NULL)
		finish(client, request, GRPC_UNAVAILABLE, EXIT_FAILED,
		    client->going_away ? client->why : nghttp2_strerror(code));
	return (0);
}

/* --- the caller's side --- */

int
rpc_client_init(struct rpc_client *client, size_t answer_max, int64_t now,
    struct error *error)
{
	nghttp2_session_callbacks *callbacks;
	int result;

	*client = (struct rpc_client){ .answer_max = answer_max };
	TAILQ_INIT(&client->open);
	TAILQ_INIT(&client->finished);
	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
	result = rpc_connection_init(&client->connection, false,
	    answer_max * RPC_ANSWERS_HELD, callbacks, now, error);
	nghttp2_session_callbacks_del(callbacks);
	return (result);
}

void
rpc_request_free(struct rpc_request *request)
{
	buffer_free(&request->output);
	grpc_message_free(&request->message);
	free(request);
}

void
rpc_client_free(struct rpc_client *client)
{
	struct rpc_request *request;

	rpc_connection_free(&client->connection);
	while ((request = TAILQ_FIRST(&client->open)) != NULL) {
		TAILQ_REMOVE(&client->open, request, entries);
		rpc_request_free(request);
	}
	while ((request = rpc_client_next(client)) != NULL)
		rpc_request_free(request);
}

static ssize_t
read_message(nghttp2_session *session, int32_t stream_id, uint8_t *bytes,
    size_t size, uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
	struct rpc_request *request;

	(void)source;
	(void)user_data;
	request = nghttp2_session_get_stream_user_data(session, stream_id);
	if (request == NULL)		/* it has finished meanwhile */
		return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
	size = rpc_take_output(&request->output, bytes, size);
	if (buffer_length(&request->output) == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return ((ssize_t)size);
}

static int
submit(struct rpc_client *client, struct rpc_request *request)
{
	const nghttp2_data_provider provider = { .read_callback = read_message };
	char path[64], timeout[GRPC_TIMEOUT_SIZE];
	nghttp2_nv headers[8];
	size_t count = 0;

	snprintf(path, sizeof(path), "/Replication/%s", request->method->name);
	headers[count++] = rpc_header(":method", "POST");
	headers[count++] = rpc_header(":scheme", "http");
	headers[count++] = rpc_header(":path", path);
	headers[count++] = rpc_header(":authority", "");
	headers[count++] = rpc_header("content-type", "application/grpc");
	headers[count++] = rpc_header("user-agent", "grpc-go/1.78.0");
	headers[count++] = rpc_header("te", "trailers");
	if (request->deadline != INT64_MAX) {
		grpc_timeout_format(timeout, request->deadline -
		    client->connection.now);
		headers[count++] = rpc_header("grpc-timeout", timeout);
	}
	return (nghttp2_submit_request(client->connection.session, NULL, headers,
	    count, &provider, request));
}

struct rpc_request *
rpc_client_call(struct rpc_client *client, const struct method *method,
    const void *message, size_t length, int64_t deadline, void *context,
    struct error *error)
{
	struct rpc_request *request;

	if (client->going_away) {
		error_set(error, EXIT_PROTOCOL, "%s", client->why);
		return (NULL);
	}
	request = calloc(1, sizeof(*request));
	if (request == NULL) {
		error_errno(error, "call");
		return (NULL);
	}
	request->method = method;
	request->deadline = deadline;
	request->context = context;
	request->message = GRPC_MESSAGE_EMPTY(client->answer_max);
	if (grpc_message_frame(&request->output, message, length) == -1 ||
	    (request->stream_id = submit(client, request)) < 0) {
		error_set(error, EXIT_SYSTEM, "cannot begin a call");
		rpc_request_free(request);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&client->open, request, entries);
	client->open_count++;
	return (request);
}

struct rpc_request *
rpc_client_next(struct rpc_client *client)
{
	struct rpc_request *request = TAILQ_FIRST(&client->finished);

	if (request != NULL) {
		TAILQ_REMOVE(&client->finished, request, entries);
		client->connection.message_bytes -=
		    buffer_length(&request->message.payload);
	}
	return (request);
}

void
rpc_client_pause(struct rpc_client *client, bool paused)
{
	client->paused = paused;
	if (paused || client->held == 0)
		return;
	nghttp2_session_consume_connection(client->connection.session, client->held);
	client->held = 0;
}

int
rpc_client_tick(struct rpc_client *client, int64_t now, struct error *error)
{
	struct rpc_request *request, *next;

	TAILQ_FOREACH_SAFE(request, &client->open, entries, next)
		if (now >= request->deadline)
			rpc_client_cancel(client, request, GRPC_DEADLINE_EXCEEDED,
			    "context deadline exceeded");
	return (rpc_connection_tick(&client->connection, now, error));
}

bool
rpc_client_left_alone(const struct rpc_client *client)
{
	return (client->going_away && TAILQ_EMPTY(&client->open) &&
	    TAILQ_EMPTY(&client->finished));
}

int64_t
rpc_client_deadline(const struct rpc_client *client)
{
	int64_t next = rpc_connection_deadline(&client->connection);
	const struct rpc_request *request;

	TAILQ_FOREACH(request, &client->open, entries)
		if (request->deadline < next)
			next = request->deadline;
	return (next);
}

void
rpc_client_close(struct rpc_client *client)
{
	if (client->going_away)		/* then nobody waits for it */
		return;
	nghttp2_submit_goaway(client->connection.session, NGHTTP2_FLAG_NONE, 0,
	    NGHTTP2_NO_ERROR, (const uint8_t *)GOODBYE, strlen(GOODBYE));
}
