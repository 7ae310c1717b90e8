/*
 * The frames of a data connection, for zr-dump.
 */
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "dump/dump.h"

/* The request: its path, and its message if the path is known. */
static int
request(struct dump *dump, uint64_t size, struct error *error)
{
	const struct exchange *exchange = &dump->exchange;
	const char *path = (const char *)buffer_front(&exchange->header);
	const size_t length = buffer_length(&exchange->header);
	const struct method *method = method_by_path(path, length);

	dump->connection->method = method;
	dump_line(dump, dump->begin, size);
	fputs("request ", dump->out);
	quote(dump->out, path, length);
	putc(' ', dump->out);
	return (dump_message(dump, method == NULL ? NULL : method->request,
	    buffer_front(&exchange->message), buffer_length(&exchange->message),
	    error));
}

static int
response(struct dump *dump, uint64_t size, struct error *error)
{
	const struct exchange *exchange = &dump->exchange;
	const struct method *method = dump->connection->method;

	dump_line(dump, dump->begin, size);
	fputs("response ", dump->out);
	return (dump_message(dump, method == NULL ? NULL : method->response,
	    buffer_front(&exchange->message), buffer_length(&exchange->message),
	    error));
}

/* A text with a word in front of it. */
static void
text(const struct dump *dump, uint64_t size, const char *word, const char *what)
{
	dump_line(dump, dump->begin, size);
	fprintf(dump->out, "%s ", word);
	quote(dump->out, what, strlen(what));
	putc('\n', dump->out);
}

/* Print the stream so far, if there is one. */
static void
stream_sum(struct dump *dump, uint64_t end)
{
	if (dump->stream_bytes == 0)
		return;
	dump_line(dump, dump->stream_begin, end - dump->stream_begin);
	fprintf(dump->out, "stream of %llu bytes in %llu frames",
	    (unsigned long long)dump->stream_bytes,
	    (unsigned long long)dump->stream_frames);
	if (dump->stream_compressed > 0)
		fprintf(dump->out, ", %llu compressed",
		    (unsigned long long)dump->stream_compressed);
	putc('\n', dump->out);
	dump->stream_bytes = 0;
}

/* The bytes of the current frame that have been read, with its header. */
static uint64_t
in_frame(const struct exchange *exchange)
{
	return (FRAME_HEADER_SIZE + exchange->frames.current.length -
	    exchange->frames.left);
}

/* One piece of a frame's payload; the frame counts with its last piece. */
static void
stream_piece(struct dump *dump, uint64_t end)
{
	const struct exchange *exchange = &dump->exchange;

	if (exchange->data_compressed && dump->side == DUMP_CLIENT &&
	    !dump->connection->compressed) {
		dump->connection->compressed = true;
		dump->connection->compressed_at = end - in_frame(exchange);
	}
	if (dump->stream_bytes == 0) {
		dump->stream_begin = dump->begin;
		dump->stream_frames = dump->stream_compressed = 0;
	}
	/* A compressed frame says how many bytes it inflates to. */
	if (!exchange->data_compressed)
		dump->stream_bytes += exchange->data_length;
	else if (exchange->data_begins)
		dump->stream_bytes += exchange->inflated;
	if (exchange->frames.left == 0) {
		dump->stream_frames++;
		dump->stream_compressed += exchange->data_compressed;
	}
	dump->stream_end = end;
}

/* A frame that ends the connection: an open stream has no end. */
static void
cut_short(struct dump *dump, uint64_t frame)
{
	if (dump->stream_bytes > 0)
		stream_sum(dump, frame);
	else if (dump->begin < frame) {
		dump_line(dump, dump->begin, frame - dump->begin);
		fputs("unfinished\n", dump->out);
	}
	dump->begin = frame;
}

int
dump_frames(struct dump *dump, const uint8_t *bytes, size_t size,
    size_t *consumed, struct error *error)
{
	struct exchange *exchange = &dump->exchange;
	enum exchange_event event;
	uint64_t end, length;
	int result = 0;

	event = exchange_next(exchange, bytes, size, consumed, error);
	end = dump->offset + *consumed;
	length = end - dump->begin;
	switch (event) {
	case EXCHANGE_MORE:
		return (0);
	case EXCHANGE_DATA:
		stream_piece(dump, end);
		return (0);
	case EXCHANGE_BROKEN:
		/* The offset of the frame that is not allowed here. */
		cut_short(dump, end - in_frame(exchange));
		return (-1);
	case EXCHANGE_HEARTBEAT:
		/* It may stand in the middle of a message. */
		dump_line(dump, end - FRAME_HEADER_SIZE, FRAME_HEADER_SIZE);
		fputs("heartbeat\n", dump->out);
		if (length == FRAME_HEADER_SIZE)
			dump->begin = end;
		return (0);
	case EXCHANGE_REQUEST:
		result = request(dump, length, error);
		break;
	case EXCHANGE_RESPONSE:
		result = response(dump, length, error);
		break;
	case EXCHANGE_REFUSED:
		text(dump, length, "error", exchange_text(exchange));
		break;
	case EXCHANGE_STREAM_END:
		if (dump->stream_bytes == 0) {
			dump_line(dump, dump->begin, length);
			fputs("stream of 0 bytes in 0 frames\n", dump->out);
		}
		stream_sum(dump, end);
		break;
	case EXCHANGE_STREAM_FAILED:
		if (dump->stream_bytes > 0)
			dump->begin = dump->stream_end;
		stream_sum(dump, dump->begin);
		text(dump, end - dump->begin, "stream failed",
		    exchange_text(exchange));
		break;
	case EXCHANGE_SHUTDOWN:
		cut_short(dump, end - FRAME_HEADER_SIZE);
		dump_line(dump, end - FRAME_HEADER_SIZE, FRAME_HEADER_SIZE);
		fputs("shutdown\n", dump->out);
		dump->state = DUMP_AFTER;
		break;
	}
	dump->begin = end;
	return (result);
}

int
dump_frames_end(struct dump *dump, struct error *error)
{
	stream_sum(dump, dump->offset);
	/* A client that only tries the connection sends nothing at all. */
	if (dump->begin == dump->offset && frame_reader_at_boundary(
	    &dump->exchange.frames))
		return (0);
	return (exchange_end_of_file(&dump->exchange, error));
}
