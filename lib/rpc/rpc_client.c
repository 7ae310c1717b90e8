#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/grpc_timeout.h"
#include "rpc/rpc_client.h"
#include "rpc/rpc_headers.h"

#define GOODBYE "client transport shutdown"

static void
drop_answer(struct rpc_client *client, struct rpc_request *request)
{
	client->answer_bytes -= buffer_length(&request->message.payload);
	grpc_message_free(&request->message);
}

/* It is over; whatever the stream still does is of no interest. */
static void
finish(struct rpc_client *client, struct rpc_request *request,
    enum grpc_status status, enum exit_code code, const char *text)
{
	if (request->finished)
		return;
	request->finished = true;
	request->status = status;
	if (status != GRPC_OK)
		drop_answer(client, request);
	error_set(&request->error, code, "%s", text);
	nghttp2_session_set_stream_user_data(client->connection.session,
	    request->stream_id, NULL);
	TAILQ_REMOVE(&client->open, request, entries);
	client->open_count--;
	TAILQ_INSERT_TAIL(&client->finished, request, entries);
}

void
rpc_client_cancel(struct rpc_client *client, struct rpc_request *request,
    enum grpc_status status, const char *text)
{
	if (request->finished)
		return;
	nghttp2_submit_rst_stream(client->connection.session, NGHTTP2_FLAG_NONE,
	    request->stream_id, NGHTTP2_CANCEL);
	finish(client, request, status, status == GRPC_DEADLINE_EXCEEDED ?
	    EXIT_TIMEOUT : EXIT_FAILED, text);
}

/* An answer that is no gRPC. */
static void
refuse(struct rpc_client *client, struct rpc_request *request, const char *text)
{
	nghttp2_submit_rst_stream(client->connection.session, NGHTTP2_FLAG_NONE,
	    request->stream_id, NGHTTP2_CANCEL);
	finish(client, request, GRPC_INTERNAL, EXIT_PROTOCOL, text);
}

/* --- what the server says --- */

static bool
is(const uint8_t *name, size_t length, const char *want)
{
	return (length == strlen(want) && memcmp(name, want, length) == 0);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_length, const uint8_t *value,
    size_t value_length, uint8_t flags, void *user_data)
{
	static const char type[] = "application/grpc";
	struct rpc_client *client = user_data;
	struct rpc_request *request;

	(void)flags;
	request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (request == NULL)
		return (0);
	request->headers_length += name_length + value_length + 32;
	if (request->headers_length > RPC_HEADERS_MAX) {
		rpc_connection_break(&client->connection,
		    NGHTTP2_ENHANCE_YOUR_CALM, "the server's headers are too long");
		return (0);
	}
	if (is(name, name_length, ":status"))
		request->http_status = grpc_status_parse(value, value_length);
	else if (is(name, name_length, "content-type"))
		request->content_type_good = value_length >= sizeof(type) - 1 &&
		    memcmp(value, type, sizeof(type) - 1) == 0;
	else if (is(name, name_length, "grpc-status")) {
		request->status_seen = true;
		request->status = grpc_status_parse(value, value_length);
	} else if (is(name, name_length, "grpc-message"))
		grpc_percent_decode(request->text, value,
		    value_length < sizeof(request->text) ? value_length :
		    sizeof(request->text) - 1);
	return (0);
}

/* The first header list has come. */
static void
check_headers(struct rpc_client *client, struct rpc_request *request)
{
	char text[96];

	/* 1xx: the real ones follow. */
	if (request->http_status >= 100 && request->http_status < 200)
		return;
	request->headers_seen = true;
	if (request->status_seen)
		return;
	if (request->http_status != 200) {
		snprintf(text, sizeof(text), "the server answers with HTTP "
		    "status %u", request->http_status);
		refuse(client, request, text);
		request->status = grpc_status_of_http(request->http_status);
	} else if (!request->content_type_good)
		refuse(client, request, "the server's answer is not "
		    "application/grpc");
}

/* The stream has ended in order. */
static void
conclude(struct rpc_client *client, struct rpc_request *request)
{
	if (!request->status_seen)
		finish(client, request, GRPC_INTERNAL, EXIT_PROTOCOL,
		    "the server ended its answer without grpc-status");
	else if (request->status != GRPC_OK)
		finish(client, request, request->status,
		    request->status == GRPC_DEADLINE_EXCEEDED ? EXIT_TIMEOUT :
		    EXIT_FAILED, request->text[0] != '\0' ? request->text :
		    "the server gives no reason");
	else if (!grpc_message_complete(&request->message))
		finish(client, request, GRPC_INTERNAL, EXIT_PROTOCOL,
		    "the server ended its answer in the middle of the message");
	else
		finish(client, request, GRPC_OK, EXIT_DONE, "");
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
	/* zrepl's SETTINGS do not forbid it, nor do ours; gRPC has no use for it. */
	if (frame->hd.type == NGHTTP2_PUSH_PROMISE)
		rpc_connection_break(&client->connection, NGHTTP2_PROTOCOL_ERROR,
		    "the server pushes what nobody asked for");
	if (frame->hd.stream_id == 0)
		return (0);
	request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (request != NULL && frame->hd.type == NGHTTP2_HEADERS &&
	    !request->headers_seen)
		check_headers(client, request);
	if (request != NULL && !request->finished &&
	    (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		conclude(client, request);
	return (0);
}

/* Room for more, now or when the caller keeps up again. */
static void
consume(struct rpc_client *client, int32_t stream_id, size_t size)
{
	nghttp2_session_consume_stream(client->connection.session, stream_id, size);
	client->held += size;
	rpc_client_pause(client, client->paused);
}

/* As it comes in; the status that the call has to end with, or GRPC_OK. */
static enum grpc_status
append(struct rpc_client *client, struct rpc_request *request,
    const uint8_t *bytes, size_t size, struct error *error)
{
	const size_t max = client->answer_max * RPC_ANSWERS_HELD;
	const size_t before = buffer_length(&request->message.payload);
	enum grpc_status status;

	status = grpc_message_append(&request->message, bytes, size, error);
	client->answer_bytes += buffer_length(&request->message.payload) - before;
	if (status == GRPC_OK && client->answer_bytes > max) {
		status = GRPC_RESOURCE_EXHAUSTED;
		error_set(error, EXIT_FAILED, "large answers of other calls "
		    "take up all the memory that they may (%zu MiB)", max >> 20);
	}
	return (status);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id,
    const uint8_t *bytes, size_t size, void *user_data)
{
	struct rpc_client *client = user_data;
	struct rpc_request *request;
	enum grpc_status status;
	struct error error;
	bool had_prefix;

	(void)flags;
	consume(client, stream_id, size);
	request = nghttp2_session_get_stream_user_data(session, stream_id);
	if (request == NULL)
		return (0);
	had_prefix = request->message.prefix_length == GRPC_PREFIX_SIZE;
	status = append(client, request, bytes, size, &error);
	if (status == GRPC_RESOURCE_EXHAUSTED)
		rpc_client_cancel(client, request, status, error.text);
	else if (status != GRPC_OK)
		refuse(client, request, error.text);
	else if (!had_prefix && grpc_message_is_longer(&request->message,
	    RPC_MESSAGE_WINDOW))
		rpc_connection_widen(&client->connection, stream_id,
		    request->message.length);
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
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct rpc_client *client = user_data;

	(void)session;
	rpc_connection_sent(&client->connection, frame);
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
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
	result = rpc_connection_init(&client->connection, false, callbacks,
	    client, now, error);
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
	if (size > buffer_length(&request->output))
		size = buffer_length(&request->output);
	memcpy(bytes, buffer_front(&request->output), size);
	buffer_consume(&request->output, size);
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
	uint8_t prefix[GRPC_PREFIX_SIZE];

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
	request->output = BUFFER_EMPTY(length + GRPC_PREFIX_SIZE);
	request->message = GRPC_MESSAGE_EMPTY(client->answer_max);
	grpc_message_prefix(prefix, length);
	if (buffer_append(&request->output, prefix, sizeof(prefix)) == -1 ||
	    buffer_append(&request->output, message, length) == -1 ||
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
		client->answer_bytes -= buffer_length(&request->message.payload);
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
rpc_client_read(struct rpc_client *client, const uint8_t *bytes, size_t size,
    int64_t now, struct error *error)
{
	return (rpc_connection_read(&client->connection, bytes, size, now, error));
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
