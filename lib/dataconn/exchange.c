#include <string.h>

#include "base/utf8.h"
#include "dataconn/exchange.h"

static const char *
state_name(const struct exchange *exchange)
{
	const bool server = exchange->role == EXCHANGE_SERVER;

	switch (exchange->state) {
	case EXCHANGE_IN_HEADER:
		return (server ? "the request header" : "the response header");
	case EXCHANGE_IN_STRUCTURED:
		return (server ? "the request message" : "the response message");
	case EXCHANGE_IN_STREAM:
		return ("the ZFS stream");
	default:
		return ("the end of the connection");
	}
}

/* Go on to the next thing that the peer will say. */
static void
enter(struct exchange *exchange, int state)
{
	static const enum frame_type types[2][3] = {
		{ FRAME_REQ_HEADER, FRAME_REQ_STRUCTURED, FRAME_ZFS_STREAM },
		{ FRAME_RES_HEADER, FRAME_RES_STRUCTURED, FRAME_ZFS_STREAM }
	};

	exchange->state = state;
	stream_reader_free(&exchange->stream);
	if (state <= EXCHANGE_IN_STREAM)
		stream_reader_init(&exchange->stream,
		    types[exchange->role == EXCHANGE_CLIENT][state]);
	exchange->stream.compressed = exchange->compression &&
	    state == EXCHANGE_IN_STREAM;
}

void
exchange_init(struct exchange *exchange, enum exchange_role role,
    enum method_kind method)
{
	*exchange = (struct exchange){ .role = role, .method = method,
	    .header = BUFFER_EMPTY(STREAM_HEADER_MAX + 1),
	    .message = BUFFER_EMPTY(role == EXCHANGE_SERVER ?
	    STREAM_REQUEST_MAX : STREAM_RESPONSE_MAX) };
	enter(exchange, EXCHANGE_IN_HEADER);
}

void
exchange_allow_compression(struct exchange *exchange)
{
	exchange->compression = true;
}

/* Has the current message room for this many more bytes? */
static int
check_length(const struct exchange *exchange, size_t length,
    struct error *error)
{
	const bool header = exchange->state == EXCHANGE_IN_HEADER;
	const size_t max = header ? STREAM_HEADER_MAX : buffer_max(&exchange->message);

	if (length > max - buffer_length(header ? &exchange->header :
	    &exchange->message))
		return (error_set(error, EXIT_PROTOCOL,
		    "%s is longer than %zu bytes", state_name(exchange), max));
	return (0);
}

/* A piece of it. */
static int
append(struct exchange *exchange, const uint8_t *bytes, size_t length,
    struct error *error)
{
	struct buffer *buffer = exchange->state == EXCHANGE_IN_HEADER ?
	    &exchange->header : &exchange->message;

	if (check_length(exchange, length, error) == -1)
		return (-1);
	if (buffer_append(buffer, bytes, length) == -1)
		return (error_errno(error, "%s", state_name(exchange)));
	return (0);
}

static bool
header_begins(const struct exchange *exchange, const char *text)
{
	const size_t length = strlen(text);

	return (buffer_length(&exchange->header) >= length &&
	    memcmp(buffer_front(&exchange->header), text, length) == 0);
}

static enum exchange_event
header_ends(struct exchange *exchange, struct error *error)
{
	const struct method *method;

	if (exchange->role == EXCHANGE_SERVER) {
		method = method_by_path((const char *)
		    buffer_front(&exchange->header),
		    buffer_length(&exchange->header));
		exchange->known = method != NULL;
		exchange->method = method != NULL ? method->kind : METHOD_UNARY;
		enter(exchange, EXCHANGE_IN_STRUCTURED);
		return (EXCHANGE_MORE);
	}
	if (header_begins(exchange, EXCHANGE_ERROR)) {
		enter(exchange, EXCHANGE_IN_CLOSE);
		return (EXCHANGE_REFUSED);
	}
	if (header_begins(exchange, EXCHANGE_OK) &&
	    buffer_length(&exchange->header) == strlen(EXCHANGE_OK)) {
		enter(exchange, EXCHANGE_IN_STRUCTURED);
		return (EXCHANGE_MORE);
	}
	error_set(error, EXIT_PROTOCOL, "the response header is neither OK "
	    "nor an error");
	return (EXCHANGE_BROKEN);
}

static enum exchange_event
structured_ends(struct exchange *exchange)
{
	const enum method_kind with_stream =
	    exchange->role == EXCHANGE_SERVER ? METHOD_RECEIVE : METHOD_SEND;

	enter(exchange, exchange->method == with_stream ?
	    EXCHANGE_IN_STREAM : EXCHANGE_IN_CLOSE);
	return (exchange->role == EXCHANGE_SERVER ? EXCHANGE_REQUEST :
	    EXCHANGE_RESPONSE);
}

/* --- the stream --- */

static int
compressed_frame_begins(struct exchange *exchange, struct error *error)
{
	const uint32_t length = exchange->frames.current.length;

	exchange->prefix_length = 0;
	exchange->inflated = 0;
	if (length > COMPRESSION_PREFIX_SIZE && length <= FRAME_PAYLOAD_MAX)
		return (0);
	return (error_set(error, EXIT_PROTOCOL, "a compressed frame has a payload of "
	    "%u bytes, not %d to %u", length, COMPRESSION_PREFIX_SIZE + 1,
	    FRAME_PAYLOAD_MAX));
}

/* The beginning of its payload, or a piece of the rest. */
static enum exchange_event
compressed_data(struct exchange *exchange, const struct frame_item *item,
    struct error *error)
{
	size_t take = COMPRESSION_PREFIX_SIZE - exchange->prefix_length;

	if (take > item->length)
		take = item->length;
	memcpy(exchange->prefix + exchange->prefix_length, item->payload, take);
	exchange->prefix_length += take;
	if (take == item->length)
		return (EXCHANGE_MORE);
	exchange->data_begins = exchange->inflated == 0;
	if (exchange->data_begins) {
		exchange->inflated = frame_number(exchange->prefix);
		if (exchange->inflated == 0 || exchange->inflated > FRAME_PAYLOAD_MAX) {
			error_set(error, EXIT_PROTOCOL, "a compressed frame inflates "
			    "to %u bytes, not 1 to %u", exchange->inflated,
			    FRAME_PAYLOAD_MAX);
			return (EXCHANGE_BROKEN);
		}
	}
	exchange->data += take;
	exchange->data_length -= take;
	return (EXCHANGE_DATA);
}

/* A piece of a frame of the stream. */
static enum exchange_event
stream_data(struct exchange *exchange, const struct frame_item *item,
    struct error *error)
{
	exchange->data = item->payload;
	exchange->data_length = item->length;
	exchange->data_compressed =
	    exchange->frames.current.type == FRAME_ZFS_STREAM_ZSTD;
	return (exchange->data_compressed ?
	    compressed_data(exchange, item, error) : EXCHANGE_DATA);
}

static enum exchange_event
message_item(struct exchange *exchange, const struct frame_item *item,
    struct error *error)
{
	switch (stream_reader_item(&exchange->stream, &exchange->frames.current,
	    item, error)) {
	case STREAM_MORE:
		/* The header says that it is too long: do not wait for its bytes. */
		if (exchange->state != EXCHANGE_IN_STREAM &&
		    item->kind == FRAME_ITEM_HEADER &&
		    exchange->frames.current.type == exchange->stream.type &&
		    check_length(exchange, exchange->frames.current.length,
		    error) == -1)
			return (EXCHANGE_BROKEN);
		if (item->kind == FRAME_ITEM_HEADER &&
		    exchange->frames.current.type == FRAME_ZFS_STREAM_ZSTD &&
		    compressed_frame_begins(exchange, error) == -1)
			return (EXCHANGE_BROKEN);
		return (EXCHANGE_MORE);
	case STREAM_DATA:
		if (exchange->state == EXCHANGE_IN_STREAM)
			return (stream_data(exchange, item, error));
		return (append(exchange, item->payload, item->length, error) == -1 ?
		    EXCHANGE_BROKEN : EXCHANGE_MORE);
	case STREAM_END:
		if (exchange->state == EXCHANGE_IN_HEADER)
			return (header_ends(exchange, error));
		if (exchange->state == EXCHANGE_IN_STRUCTURED)
			return (structured_ends(exchange));
		enter(exchange, EXCHANGE_IN_CLOSE);
		return (EXCHANGE_STREAM_END);
	case STREAM_FAILED:
		if (exchange->state == EXCHANGE_IN_STREAM) {
			/* The text stays: exchange_text() is asked next. */
			exchange->state = EXCHANGE_IN_CLOSE;
			return (EXCHANGE_STREAM_FAILED);
		}
		error_set(error, EXIT_PROTOCOL, "the peer failed inside %s: %s",
		    state_name(exchange),
		    stream_reader_error(&exchange->stream));
		return (EXCHANGE_BROKEN);
	case STREAM_BROKEN:
		break;
	}
	return (EXCHANGE_BROKEN);
}

static enum exchange_event
item_event(struct exchange *exchange, const struct frame_item *item,
    struct error *error)
{
	const struct frame_header *frame = &exchange->frames.current;

	if (exchange->state == EXCHANGE_IN_NOTHING)
		return (EXCHANGE_MORE);
	if (item->kind == FRAME_ITEM_HEADER) {
		if ((frame->type == FRAME_HEARTBEAT ||
		    frame->type == FRAME_SHUTDOWN) && frame->length > 0) {
			error_set(error, EXIT_PROTOCOL, "a %s frame has a "
			    "payload of %u bytes", frame_type_name(frame->type),
			    frame->length);
			return (EXCHANGE_BROKEN);
		}
		if (frame->type == FRAME_HEARTBEAT)
			return (EXCHANGE_HEARTBEAT);
		if (frame->type == FRAME_SHUTDOWN) {
			exchange->state = EXCHANGE_IN_NOTHING;
			return (EXCHANGE_SHUTDOWN);
		}
	}
	if (exchange->state == EXCHANGE_IN_CLOSE) {
		error_set(error, EXIT_PROTOCOL, "frame of type 0x%08x after "
		    "the end of the %s", frame->type,
		    exchange->role == EXCHANGE_SERVER ? "request" : "response");
		return (EXCHANGE_BROKEN);
	}
	return (message_item(exchange, item, error));
}

enum exchange_event
exchange_next(struct exchange *exchange, const uint8_t *bytes, size_t size,
    size_t *consumed, struct error *error)
{
	enum exchange_event event = EXCHANGE_MORE;
	struct frame_item item;

	*consumed = 0;
	while (event == EXCHANGE_MORE && *consumed < size) {
		*consumed += frame_reader_next(&exchange->frames,
		    bytes + *consumed, size - *consumed, &item);
		if (item.kind == FRAME_ITEM_NONE)
			break;
		event = item_event(exchange, &item, error);
	}
	if (event == EXCHANGE_BROKEN)
		exchange->state = EXCHANGE_IN_NOTHING;
	return (event);
}

int
exchange_end_of_file(const struct exchange *exchange, struct error *error)
{
	if (exchange->state == EXCHANGE_IN_NOTHING)
		return (0);
	if (!frame_reader_at_boundary(&exchange->frames))
		return (error_set(error, EXIT_PROTOCOL, "connection closed in "
		    "the middle of a frame of %s", state_name(exchange)));
	if (exchange->state != EXCHANGE_IN_CLOSE)
		return (error_set(error, EXIT_PROTOCOL, "connection closed "
		    "before the end of %s", state_name(exchange)));
	return (0);
}

bool
exchange_is_unused(const struct exchange *exchange)
{
	return (exchange->state == EXCHANGE_IN_HEADER &&
	    buffer_length(&exchange->header) == 0 &&
	    frame_reader_at_boundary(&exchange->frames));
}

const char *
exchange_text(struct exchange *exchange)
{
	const size_t skip = strlen(EXCHANGE_ERROR);
	size_t length;
	char *text;

	if (exchange->role == EXCHANGE_SERVER ||
	    !header_begins(exchange, EXCHANGE_ERROR))
		return (stream_reader_error(&exchange->stream));
	length = buffer_length(&exchange->header) - skip;
	if (length == 0 || (text = buffer_text(&exchange->header)) == NULL)
		return ("the handler failed without saying why");
	text += skip;
	utf8_sanitize(text, text, length);
	return (text);
}

size_t
exchange_wanted(const struct exchange *exchange)
{
	if (exchange->frames.left == 0)
		return (0);
	return ((size_t)exchange->frames.left + FRAME_HEADER_SIZE);
}

void
exchange_free(struct exchange *exchange)
{
	stream_reader_free(&exchange->stream);
	buffer_free(&exchange->header);
	buffer_free(&exchange->message);
}
