/* The frame, stream and exchange codecs, every input also in every split. */
#include <stdlib.h>

#include "dataconn/exchange.h"
#include "unit.h"

#define LOG_SIZE 4096

static bool compression;

static const char *const names[] = { "more", "heartbeat", "request",
    "response", "refused", "data", "end", "failed", "shutdown", "broken" };

/* What a peer's bytes mean, as one line: "request data(5) end shutdown". */
static void
feed(struct exchange *exchange, char *log, const uint8_t *bytes, size_t size,
    size_t *data, struct error *error)
{
	enum exchange_event event;
	size_t consumed;

	while (size > 0) {
		event = exchange_next(exchange, bytes, size, &consumed, error);
		bytes += consumed;
		size -= consumed;
		if (event == EXCHANGE_DATA) {
			*data += exchange->data_length;
			continue;
		}
		if (event == EXCHANGE_MORE)
			continue;
		if (*data > 0) {
			snprintf(log + strlen(log), LOG_SIZE - strlen(log),
			    "data(%zu) ", *data);
			*data = 0;
		}
		strlcat(log, names[event], LOG_SIZE);
		strlcat(log, " ", LOG_SIZE);
		if (event == EXCHANGE_REFUSED || event == EXCHANGE_STREAM_FAILED) {
			strlcat(log, exchange_text(exchange), LOG_SIZE);
			strlcat(log, " ", LOG_SIZE);
		}
		if (event == EXCHANGE_BROKEN) {
			strlcat(log, error->text, LOG_SIZE);
			strlcat(log, " ", LOG_SIZE);
		}
	}
}

/* In one piece, and cut in two at every byte: always the same. */
static void
expect(enum exchange_role role, enum method_kind method,
    const struct buffer *input, const char *want)
{
	const size_t size = buffer_length(input);
	struct exchange exchange;
	struct error error;
	char log[LOG_SIZE];
	size_t data;

	for (size_t cut = 0; cut <= size; cut++) {
		log[0] = '\0';
		data = 0;
		exchange_init(&exchange, role, method);
		if (compression)
			exchange_allow_compression(&exchange);
		feed(&exchange, log, buffer_front(input), cut, &data, &error);
		feed(&exchange, log, buffer_front(input) + cut, size - cut,
		    &data, &error);
		if (strcmp(log, want) != 0) {
			printf("# cut at %zu: \"%s\", not \"%s\"\n", cut, log, want);
			CHECK(!"the same in every split");
			exchange_free(&exchange);
			return;
		}
		exchange_free(&exchange);
	}
}

static void
put(struct buffer *buffer, uint32_t type, const char *payload, size_t length)
{
	uint8_t header[FRAME_HEADER_SIZE];

	frame_encode(header, type, (uint32_t)length);
	buffer_append(buffer, header, sizeof(header));
	buffer_append(buffer, payload, length);
}

#define PUT(buffer, type, text) put(buffer, type, text, sizeof(text) - 1)

int
main(void)
{
	struct buffer in = BUFFER_EMPTY(1u << 20);
	struct exchange exchange;
	struct error error;
	size_t consumed;
	char *big;

	TEST("a server reads a request, its stream and the shutdown") {
		PUT(&in, FRAME_REQ_HEADER, "/v1/recv");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_HEARTBEAT, "");
		PUT(&in, FRAME_REQ_STRUCTURED, "\n\006pool/b");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM, "hello");
		PUT(&in, FRAME_HEARTBEAT, "");
		PUT(&in, FRAME_ZFS_STREAM, "!");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_SHUTDOWN, "");
		PUT(&in, 0x63, "noise after the shutdown is ignored");
		expect(EXCHANGE_SERVER, METHOD_UNARY, &in, "heartbeat request "
		    "data(5) heartbeat data(1) end shutdown ");
		buffer_free(&in);
	}
	TEST("a client reads a response and its stream") {
		PUT(&in, FRAME_RES_HEADER, "HANDLER OK\n");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM, "1234");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_SHUTDOWN, "");
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in,
		    "response data(4) end shutdown ");
		buffer_free(&in);
	}
	TEST("a handler's error is an answer, with its text") {
		PUT(&in, FRAME_RES_HEADER, "HANDLER ERROR:\nno space left");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_SHUTDOWN, "");
		expect(EXCHANGE_CLIENT, METHOD_RECEIVE, &in,
		    "refused no space left shutdown ");
		buffer_free(&in);
	}
	TEST("an error without text, and one that is not UTF-8, still say something") {
		PUT(&in, FRAME_RES_HEADER, "HANDLER ERROR:\n");
		PUT(&in, FRAME_END, "");
		expect(EXCHANGE_CLIENT, METHOD_PING, &in,
		    "refused the handler failed without saying why ");
		buffer_free(&in);
		PUT(&in, FRAME_RES_HEADER, "HANDLER ERROR:\nbad\xff" "byte");
		PUT(&in, FRAME_END, "");
		expect(EXCHANGE_CLIENT, METHOD_PING, &in, "refused bad?byte ");
		buffer_free(&in);
	}
	TEST("a producer's error, over several frames, is never a clean end") {
		PUT(&in, FRAME_RES_HEADER, "HANDLER OK\n");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_RES_STRUCTURED, "\020\004");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM, "12");
		PUT(&in, FRAME_STREAM_ERROR, "dataset ");
		PUT(&in, FRAME_STREAM_ERROR, "is busy");
		PUT(&in, FRAME_END, "");
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in,
		    "response data(2) failed dataset is busy ");
		buffer_free(&in);
	}
	TEST("an unknown frame type is a protocol error") {
		PUT(&in, 0x63, "x");
		expect(EXCHANGE_SERVER, METHOD_UNARY, &in,
		    "broken unknown frame type 0x00000063 ");
		buffer_free(&in);
	}
	TEST("a stream inside a message is a protocol error") {
		PUT(&in, FRAME_REQ_HEADER, "/v1/");
		PUT(&in, FRAME_ZFS_STREAM, "data");
		expect(EXCHANGE_SERVER, METHOD_UNARY, &in,
		    "broken unexpected ZFSStream frame inside ReqHeader ");
		buffer_free(&in);
	}
	TEST("data after an error trailer is a protocol error") {
		PUT(&in, FRAME_RES_HEADER, "HANDLER OK\n");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_STREAM_ERROR, "oops");
		PUT(&in, FRAME_ZFS_STREAM, "more");
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in, "response broken "
		    "unexpected ZFSStream frame after an error trailer of ZFSStream ");
		buffer_free(&in);
	}
	TEST("frames that carry nothing must be empty") {
		PUT(&in, FRAME_HEARTBEAT, "x");
		expect(EXCHANGE_SERVER, METHOD_UNARY, &in, "broken a Heartbeat "
		    "frame has a payload of 1 bytes ");
		buffer_free(&in);
		PUT(&in, FRAME_END, "xy");
		expect(EXCHANGE_SERVER, METHOD_UNARY, &in, "broken an End frame "
		    "has a payload of 2 bytes ");
		buffer_free(&in);
	}
	TEST("nothing may follow a request without a stream") {
		PUT(&in, FRAME_REQ_HEADER, "/v1/ping");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM, "x");
		expect(EXCHANGE_SERVER, METHOD_UNARY, &in, "request broken frame "
		    "of type 0x00000005 after the end of the request ");
		buffer_free(&in);
	}
	TEST("a message over its limit is refused, one at the limit is not") {
		big = calloc(1, STREAM_HEADER_MAX + 1);
		put(&in, FRAME_REQ_HEADER, big, STREAM_HEADER_MAX);
		PUT(&in, FRAME_END, "");
		exchange_init(&exchange, EXCHANGE_SERVER, METHOD_UNARY);
		CHECK(exchange_next(&exchange, buffer_front(&in),
		    buffer_length(&in), &consumed, &error) == EXCHANGE_MORE);
		exchange_free(&exchange);
		buffer_free(&in);
		put(&in, FRAME_REQ_HEADER, big, STREAM_HEADER_MAX + 1);
		exchange_init(&exchange, EXCHANGE_SERVER, METHOD_UNARY);
		CHECK(exchange_next(&exchange, buffer_front(&in),
		    buffer_length(&in), &consumed, &error) == EXCHANGE_BROKEN);
		CHECK_TEXT(error.text, "the request header is longer than 32768 bytes");
		exchange_free(&exchange);
		/* Its header alone says so. */
		exchange_init(&exchange, EXCHANGE_SERVER, METHOD_UNARY);
		CHECK(exchange_next(&exchange, buffer_front(&in),
		    FRAME_HEADER_SIZE, &consumed, &error) == EXCHANGE_BROKEN);
		exchange_free(&exchange);
		buffer_free(&in);
		free(big);
	}
	TEST("compressed frames are data where they are agreed upon") {
		compression = true;
		PUT(&in, FRAME_RES_HEADER, "HANDLER OK\n");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM_ZSTD, "\0\0\0\011packed");
		PUT(&in, FRAME_HEARTBEAT, "");
		PUT(&in, FRAME_ZFS_STREAM, "1234");
		PUT(&in, FRAME_ZFS_STREAM_ZSTD, "\0\010\0\0x");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_SHUTDOWN, "");
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in, "response data(6) "
		    "heartbeat data(5) end shutdown ");
		buffer_free(&in);
	}
	TEST("compressed frames stand in the ZFS stream alone, and have limits") {
		PUT(&in, FRAME_RES_HEADER, "HANDLER OK\n");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM_ZSTD, "\0\0\0\011packed");
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in,
		    "broken unknown frame type 0x00007a73 ");
		buffer_free(&in);
		PUT(&in, FRAME_RES_HEADER, "HANDLER OK\n");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_END, "");
		PUT(&in, FRAME_ZFS_STREAM_ZSTD, "\0\010\0\001x");
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in, "response broken a "
		    "compressed frame inflates to 524289 bytes, not 1 to 524288 ");
		compression = false;
		expect(EXCHANGE_CLIENT, METHOD_SEND, &in,
		    "response broken unknown frame type 0x00007a73 ");
		buffer_free(&in);
	}
	TEST("an end of file is clean only where nothing is missing") {
		exchange_init(&exchange, EXCHANGE_SERVER, METHOD_UNARY);
		CHECK(exchange_end_of_file(&exchange, &error) == -1);
		CHECK_TEXT(error.text,
		    "connection closed before the end of the request header");
		exchange_next(&exchange, (const uint8_t *)"\0\0\0", 3, &consumed, &error);
		CHECK(exchange_end_of_file(&exchange, &error) == -1);
		CHECK_TEXT(error.text, "connection closed in the middle of a frame "
		    "of the request header");
		exchange_free(&exchange);
		PUT(&in, FRAME_RES_HEADER, "HANDLER ERROR:\nno");
		PUT(&in, FRAME_END, "");
		exchange_init(&exchange, EXCHANGE_CLIENT, METHOD_PING);
		CHECK(exchange_next(&exchange, buffer_front(&in),
		    buffer_length(&in), &consumed, &error) == EXCHANGE_REFUSED);
		CHECK(exchange_end_of_file(&exchange, &error) == 0);
		exchange_free(&exchange);
		buffer_free(&in);
	}
	TEST("a message is cut into frames of which none holds one byte") {
		const size_t lengths[] = { 0, 2, FRAME_PAYLOAD_MAX - 1,
		    FRAME_PAYLOAD_MAX, FRAME_PAYLOAD_MAX + 1, FRAME_PAYLOAD_MAX + 2,
		    2 * FRAME_PAYLOAD_MAX + 1 };
		struct frame_reader reader;
		struct frame_item item;
		size_t at, total;

		big = calloc(1, 2 * FRAME_PAYLOAD_MAX + 1);
		buffer_free(&in);
		in = BUFFER_EMPTY(4u << 20);
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			CHECK(stream_append_message(&in, FRAME_RES_STRUCTURED,
			    big, lengths[i], &error) == 0);
			memset(&reader, 0, sizeof(reader));
			for (at = total = 0; at < buffer_length(&in);) {
				at += frame_reader_next(&reader, buffer_front(&in) + at,
				    buffer_length(&in) - at, &item);
				CHECK(item.kind != FRAME_ITEM_HEADER ||
				    (reader.current.length != 1 &&
				    reader.current.length <= FRAME_PAYLOAD_MAX));
				total += item.length;
			}
			CHECK(total == lengths[i]);
			CHECK(reader.current.type == FRAME_END);
			buffer_free(&in);
		}
		CHECK(stream_append_message(&in, FRAME_RES_STRUCTURED, big, 1,
		    &error) == -1);
		free(big);
	}
	TEST("a message over its limit is not sent, one at the limit is") {
		static const struct {
			enum frame_type type;
			size_t max;
		} limits[] = { { FRAME_REQ_HEADER, STREAM_HEADER_MAX },
		    { FRAME_RES_HEADER, STREAM_HEADER_MAX },
		    { FRAME_REQ_STRUCTURED, STREAM_REQUEST_MAX },
		    { FRAME_RES_STRUCTURED, STREAM_RESPONSE_MAX } };

		in = BUFFER_EMPTY(STREAM_RESPONSE_MAX + 4096);
		big = calloc(1, STREAM_RESPONSE_MAX + 1);
		for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
			CHECK(stream_append_message(&in, limits[i].type, big,
			    limits[i].max, &error) == 0);
			buffer_free(&in);
			CHECK(stream_append_message(&in, limits[i].type, big,
			    limits[i].max + 1, &error) == -1);
			CHECK(buffer_length(&in) == 0);
		}
		free(big);
	}
	TEST("an error text of none or one byte is sent longer") {
		buffer_free(&in);
		stream_append_error(&in, "x", &error);
		CHECK(buffer_length(&in) == 8 + 2 + 8);
		buffer_free(&in);
		stream_append_error(&in, "", &error);
		CHECK(buffer_length(&in) > 8 + 8 + 2);
		buffer_free(&in);
	}
	return (unit_end());
}
