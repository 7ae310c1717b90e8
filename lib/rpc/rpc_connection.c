#include <stdio.h>
#include <string.h>

#include "rpc/rpc_connection.h"

/* Frames are gathered up to this, so that a write moves more than one. */
#define OUTPUT_GATHER	(32u << 10)
#define OUTPUT_MAX	(OUTPUT_GATHER + (64u << 10))
#define GOAWAY_TEXT_MAX	64
#define INITIAL_WINDOW	65535	/* HTTP/2's */
#define CONNECTION_WINDOW_MAX (8 << 20)
#define ACKS_MAX	512

nghttp2_nv
rpc_header(const char *name, const char *value)
{
	return ((nghttp2_nv){ .name = (uint8_t *)(uintptr_t)name,
	    .value = (uint8_t *)(uintptr_t)value, .namelen = strlen(name),
	    .valuelen = strlen(value), .flags = NGHTTP2_NV_FLAG_NONE });
}

size_t
rpc_take_output(struct buffer *output, uint8_t *bytes, size_t size)
{
	if (size > buffer_length(output))
		size = buffer_length(output);
	memcpy(bytes, buffer_front(output), size);
	buffer_consume(output, size);
	return (size);
}

static void
say_why(struct rpc_connection *connection, const char *text)
{
	if (connection->broken)
		return;
	connection->broken = true;
	error_set(&connection->reason, EXIT_PROTOCOL, "%s", text);
}

static int
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct rpc_connection *connection = user_data;
	char text[128];

	(void)session;
	if (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) {
		connection->strikes = 0;
		connection->last_ping = INT64_MIN / 2;
	}
	if (frame->hd.type == NGHTTP2_GOAWAY &&
	    frame->goaway.error_code != NGHTTP2_NO_ERROR) {
		snprintf(text, sizeof(text), "the peer breaks HTTP/2: %s",
		    nghttp2_http2_strerror(frame->goaway.error_code));
		say_why(connection, text);
	}
	return (0);
}

/*
 * grpc-go's client says goodbye with a GOAWAY that has the number of its own last stream
 * instead of one of the server's.  libnghttp2 then ends the session.  The session is over
 * anyway; nothing more is sent.
 */
static int
on_invalid(nghttp2_session *session, const nghttp2_frame *frame, int code,
    void *user_data)
{
	struct rpc_connection *connection = user_data;

	(void)session;
	(void)code;
	if (connection->server && frame->hd.type == NGHTTP2_GOAWAY &&
	    frame->goaway.error_code == NGHTTP2_NO_ERROR)
		connection->left = true;
	return (0);
}

int
rpc_connection_init(struct rpc_connection *connection, bool server,
    size_t messages_max, nghttp2_session_callbacks *callbacks, int64_t now,
    struct error *error)
{
	static const nghttp2_settings_entry server_settings[] = {
		{ NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 16384 } };
	nghttp2_option *option = NULL;
	int result;

	*connection = (struct rpc_connection){ .server = server, .heard = now,
	    .pinged = INT64_MAX, .now = now, .flood_from = now,
	    .last_ping = INT64_MIN / 2, .output = BUFFER_EMPTY(OUTPUT_MAX),
	    .messages_max = messages_max };
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks,
	    on_invalid);
	pace_start(&connection->pace, RPC_STALLED_MS, now);
	result = nghttp2_option_new(&option);
	if (result == 0) {
		/* zrepl's :authority breaks the rules: we check for ourselves. */
		nghttp2_option_set_no_http_messaging(option, 1);
		nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
		/* Otherwise every closed stream is kept, for priorities. */
		nghttp2_option_set_no_closed_streams(option, 1);
		/* A client's caller may be slow; requests are answered or refused. */
		nghttp2_option_set_no_auto_window_update(option, !server);
		result = (server ? nghttp2_session_server_new2 :
		    nghttp2_session_client_new2)(&connection->session,
		    callbacks, connection, option);
		nghttp2_option_del(option);
	}
	if (result == 0)
		result = nghttp2_submit_settings(connection->session,
		    NGHTTP2_FLAG_NONE, server_settings, server ? 1 : 0);
	if (result != 0)
		return (error_set(error, EXIT_SYSTEM, "HTTP/2 session: %s",
		    nghttp2_strerror(result)));
	return (0);
}

void
rpc_connection_free(struct rpc_connection *connection)
{
	nghttp2_session_del(connection->session);
	connection->session = NULL;
	buffer_free(&connection->output);
}

void
rpc_connection_break(struct rpc_connection *connection, uint32_t http2_code,
    const char *text)
{
	if (connection->broken)
		return;
	say_why(connection, text);
	nghttp2_session_terminate_session(connection->session, http2_code);
}

/* zrepl's own server counts them like this; once we send something it starts anew. */
static void
count_ping(struct rpc_connection *connection)
{
	if (connection->now - connection->last_ping < RPC_PING_MS &&
	    ++connection->strikes > RPC_PING_STRIKES && !connection->broken) {
		/* Some peers look for these words in GOAWAY. */
		nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE,
		    nghttp2_session_get_last_proc_stream_id(connection->session),
		    NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)"too_many_pings", 14);
		say_why(connection, "the client sends too many PINGs");
	}
	connection->last_ping = connection->now;
}

static void
count_floods(struct rpc_connection *connection, const nghttp2_frame *frame)
{
	const uint8_t type = frame->hd.type;

	if (connection->now - connection->flood_from >= RPC_FLOOD_MS) {
		connection->flood_from = connection->now;
		connection->resets = connection->controls = 0;
		connection->empties = 0;
	}
	if (type == NGHTTP2_RST_STREAM && ++connection->resets > RPC_RESETS_MAX)
		rpc_connection_break(connection, NGHTTP2_ENHANCE_YOUR_CALM,
		    "the peer resets too many streams");
	if ((type == NGHTTP2_SETTINGS || type == NGHTTP2_PING) &&
	    ++connection->controls > RPC_CONTROL_MAX)
		rpc_connection_break(connection, NGHTTP2_ENHANCE_YOUR_CALM,
		    "the peer sends too many SETTINGS or PINGs");
	if (type == NGHTTP2_DATA && frame->hd.length == 0 &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 &&
	    ++connection->empties > RPC_EMPTY_MAX)
		rpc_connection_break(connection, NGHTTP2_ENHANCE_YOUR_CALM,
		    "the peer sends too many empty frames");
}

void
rpc_connection_received(struct rpc_connection *connection,
    const nghttp2_frame *frame)
{
	count_floods(connection, frame);
	if (connection->server && frame->hd.type == NGHTTP2_PING &&
	    (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		count_ping(connection);
}

void
rpc_connection_goaway(struct rpc_connection *connection,
    uint32_t last_stream_id, const char *text)
{
	const uint8_t length = (uint8_t)strnlen(text, GOAWAY_TEXT_MAX);
	const uint8_t frame[] = { 0, 0, length + 8, NGHTTP2_GOAWAY, 0, 0, 0, 0, 0,
	    (uint8_t)(last_stream_id >> 24), (uint8_t)(last_stream_id >> 16),
	    (uint8_t)(last_stream_id >> 8), (uint8_t)last_stream_id,
	    0, 0, 0, NGHTTP2_NO_ERROR };

	/* Our header lists fit into a frame, so output always ends with a whole frame. */
	if (buffer_append(&connection->output, frame, sizeof(frame)) == -1 ||
	    buffer_append(&connection->output, text, length) == -1)
		say_why(connection, "out of memory");
}

/* A long message begins on this stream: make room for it. */
static void
widen(struct rpc_connection *connection, int32_t stream_id, size_t length)
{
	const int32_t window = length > CONNECTION_WINDOW_MAX ?
	    CONNECTION_WINDOW_MAX : (int32_t)length;

	if (nghttp2_session_get_effective_local_window_size(
	    connection->session) < window)
		nghttp2_session_set_local_window_size(connection->session,
		    NGHTTP2_FLAG_NONE, 0, window);
	nghttp2_session_set_local_window_size(connection->session,
	    NGHTTP2_FLAG_NONE, stream_id, window);
}

enum grpc_status
rpc_connection_append(struct rpc_connection *connection, int32_t stream_id,
    struct grpc_message *message, const uint8_t *bytes, size_t size,
    struct error *error)
{
	const bool had_prefix = message->prefix_length == GRPC_PREFIX_SIZE;
	const size_t before = buffer_length(&message->payload);
	const enum grpc_status status = grpc_message_append(message, bytes,
	    size, error);

	connection->message_bytes += buffer_length(&message->payload) - before;
	if (status != GRPC_OK)
		return (status);
	if (connection->message_bytes > connection->messages_max) {
		error_set(error, EXIT_FAILED, "large messages of other calls "
		    "take up all the memory that they may (%zu MiB)",
		    connection->messages_max >> 20);
		return (GRPC_RESOURCE_EXHAUSTED);
	}
	if (!had_prefix && message->prefix_length == GRPC_PREFIX_SIZE &&
	    message->length > INITIAL_WINDOW)
		widen(connection, stream_id, message->length);
	return (GRPC_OK);
}

void
rpc_connection_drop(struct rpc_connection *connection,
    struct grpc_message *message)
{
	connection->message_bytes -= buffer_length(&message->payload);
	grpc_message_free(message);
}

int
rpc_connection_read(struct rpc_connection *connection, const uint8_t *bytes,
    size_t size, int64_t now, struct error *error)
{
	ssize_t result;

	connection->now = connection->heard = now;
	connection->pinged = INT64_MAX;
	/* Mostly refused streams: each stays until its reset is sent. */
	if (connection->server && nghttp2_session_get_outbound_queue_size(
	    connection->session) > RPC_QUEUE_MAX)
		rpc_connection_break(connection, NGHTTP2_ENHANCE_YOUR_CALM,
		    "the client asks for much and reads little");
	if (connection->broken || connection->left)	/* nothing counts any more */
		return (0);
	result = nghttp2_session_mem_recv(connection->session, bytes, size);
	if (result < 0 && connection->broken) {
		*error = connection->reason;
		return (-1);
	}
	if (result == NGHTTP2_ERR_BAD_CLIENT_MAGIC)
		return (error_set(error, EXIT_PROTOCOL, "what the client sends "
		    "is not HTTP/2"));
	if (result < 0)
		return (error_set(error, result == NGHTTP2_ERR_NOMEM ?
		    EXIT_SYSTEM : EXIT_PROTOCOL, "HTTP/2: %s",
		    nghttp2_strerror((int)result)));
	return (0);
}

const uint8_t *
rpc_connection_output(struct rpc_connection *connection, size_t *length)
{
	const uint8_t *bytes;
	ssize_t size;

	while (!connection->left &&
	    buffer_length(&connection->output) < OUTPUT_GATHER) {
		size = nghttp2_session_mem_send(connection->session, &bytes);
		if (size < 0)
			say_why(connection, nghttp2_strerror((int)size));
		if (size <= 0)
			break;
		if (buffer_append(&connection->output, bytes, (size_t)size) == -1) {
			say_why(connection, "out of memory");
			break;
		}
	}
	*length = buffer_length(&connection->output);
	return (buffer_front(&connection->output));
}

void
rpc_connection_wrote(struct rpc_connection *connection, size_t length,
    int64_t now)
{
	buffer_consume(&connection->output, length);
	pace_moved(&connection->pace, length, now);
}

int
rpc_connection_tick(struct rpc_connection *connection, int64_t now,
    struct error *error)
{
	static const uint8_t nothing[8];

	connection->now = now;
	if (connection->pinged != INT64_MAX && now - connection->pinged >= RPC_DEAD_MS)
		return (error_set(error, EXIT_TIMEOUT, "the peer is silent: no "
		    "answer to a PING for %d seconds", RPC_DEAD_MS / 1000));
	if (buffer_length(&connection->output) == 0)
		pace_start(&connection->pace, RPC_STALLED_MS, now);
	else if (now >= pace_deadline(&connection->pace))
		return (error_set(error, EXIT_TIMEOUT, "the peer reads nothing, "
		    "or next to nothing, for %d seconds", RPC_STALLED_MS / 1000));
	if (connection->pinged == INT64_MAX && now - connection->heard >=
	    (connection->server ? RPC_SERVER_IDLE_MS : RPC_CLIENT_IDLE_MS)) {
		nghttp2_submit_ping(connection->session, NGHTTP2_FLAG_NONE, nothing);
		connection->pinged = now;
	}
	return (0);
}

int64_t
rpc_connection_deadline(const struct rpc_connection *connection)
{
	int64_t next = connection->pinged != INT64_MAX ?
	    connection->pinged + RPC_DEAD_MS : connection->heard +
	    (connection->server ? RPC_SERVER_IDLE_MS : RPC_CLIENT_IDLE_MS);

	if (buffer_length(&connection->output) > 0 &&
	    pace_deadline(&connection->pace) < next)
		next = pace_deadline(&connection->pace);
	return (next);
}
