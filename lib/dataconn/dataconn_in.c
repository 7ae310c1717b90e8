#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dataconn/dataconn.h"
#include "dataconn/dataconn_in.h"

#define PROGRESS 64u	/* bytes of a message that are a sign of life */

#define PAGE	4096u
#define ROOM	(FRAME_PAYLOAD_MAX + PAGE)	/* a frame's payload and the next header */
#define SHORT	(16u << 10)	/* a read that is not worth it */

#define GATHER_MIN	(64u << 10)	/* bytes of a frame that are worth it */
#define GATHER_MAX	(256u << 10)	/* more would narrow the window too much */
#define GATHER_MS	20

int
dataconn_in_init(struct dataconn_in *in, int fd, enum exchange_role role,
    enum method_kind method, struct error *error)
{
	*in = (struct dataconn_in){ .fd = fd, .low_water = 1 };
	exchange_init(&in->exchange, role, method);
	in->bytes = aligned_alloc(PAGE, ROOM);
	return (in->bytes == NULL ? error_errno(error, "data connection") : 0);
}

/* --- the network --- */

bool
dataconn_in_has_more(const struct dataconn_in *in)
{
	return (in->pending_length == 0 && (in->inflating || in->start < in->end));
}

bool
dataconn_in_reads(const struct dataconn_in *in)
{
	return (in->network != DATACONN_NETWORK_END && in->pending_length == 0 &&
	    !in->inflating && in->start == in->end);
}

bool
dataconn_in_streams(const struct dataconn_in *in)
{
	return (in->exchange.state == EXCHANGE_IN_STREAM);
}

/*
 * Heartbeats are a sign of life only between frames, and to a server only once it
 * has the request, which a client sends in one go.  Anywhere else, a peer that
 * sent a wrong length could keep us waiting by sending heartbeats, and so could
 * one that just holds the connection.
 */
static bool
is_sign_of_life(struct dataconn_in *in, size_t length)
{
	const bool begun = length < in->exchange.frames.left ||
	    (in->exchange.role == EXCHANGE_SERVER &&
	    in->exchange.state < EXCHANGE_IN_STREAM);

	in->unheard += length;
	if (begun && in->unheard < PROGRESS)
		return (false);
	in->unheard = 0;
	return (true);
}

int64_t
dataconn_in_gather(struct dataconn_in *in, int64_t now)
{
	const size_t left = in->exchange.frames.left, awaited = left < GATHER_MIN ? 0 :
	    left < GATHER_MAX ? left : GATHER_MAX;
	size_t low_water = 1;

	if (left != in->awaited) {
		in->awaited = left;
		in->gather_until = now + GATHER_MS;
	}
	if (awaited > 0 && now < in->gather_until)
		low_water = awaited;
	if (low_water != in->low_water) {
		in->low_water = low_water;
		io_low_water(in->fd, low_water);
	}
	return (low_water > 1 ? in->gather_until : IO_FOREVER);
}

bool
dataconn_in_read(struct dataconn_in *in, size_t max, struct error *error)
{
	/*
	 * A read ends where the next frame's payload begins, if that is worth it: payloads
	 * then lie at the beginning of a page (dataconn_out.c).
	 */
	const size_t wanted = exchange_wanted(&in->exchange);
	const size_t size = wanted >= SHORT && wanted < ROOM ? wanted : ROOM;
	const ssize_t got = io_read(in->fd, in->bytes, size < max ? size : max);

	if (got > 0) {
		in->start = 0;
		in->end = (size_t)got;
		return (is_sign_of_life(in, (size_t)got));
	}
	if (got == -1 && errno == EAGAIN)
		return (false);
	in->network = DATACONN_NETWORK_END;
	if (got == -1)
		error_set(error, EXIT_PROTOCOL, "connection lost: %s",
		    strerror(errno));
	return (false);
}

static enum exchange_event
give(struct dataconn_in *in, const uint8_t *bytes, size_t length)
{
	in->pending = bytes;
	in->pending_length = in->data_length = length;
	dataconn_in_flush(in);
	return (EXCHANGE_DATA);
}

/* More of what was read inflates to stream bytes; EXCHANGE_MORE: that was all. */
static enum exchange_event
inflate(struct dataconn_in *in, struct error *error)
{
	const uint8_t *bytes;
	size_t length;

	switch (decompressor_next(&in->decompressor, &bytes, &length, error)) {
	case 1:
		return (give(in, bytes, length));
	case 0:
		in->inflating = false;
		return (EXCHANGE_MORE);
	}
	in->inflating = false;
	in->exchange.state = EXCHANGE_IN_NOTHING;
	return (EXCHANGE_BROKEN);
}

/* A piece of a frame of the stream. */
static enum exchange_event
take_data(struct dataconn_in *in, struct error *error)
{
	const struct exchange *exchange = &in->exchange;
	const bool last = exchange->frames.left == 0;

	if (last) {
		in->frames++;
		in->compressed_frames += exchange->data_compressed;
		in->wire += FRAME_HEADER_SIZE + exchange->frames.current.length;
	}
	if (!exchange->data_compressed)
		return (give(in, exchange->data, exchange->data_length));
	if (exchange->data_begins)
		decompressor_begin(&in->decompressor, exchange->inflated);
	decompressor_feed(&in->decompressor, exchange->data, exchange->data_length,
	    last);
	in->inflating = true;
	return (inflate(in, error));
}

enum exchange_event
dataconn_in_next(struct dataconn_in *in, struct error *error)
{
	enum exchange_event event = EXCHANGE_MORE;
	size_t consumed;

	if (in->sink == DATACONN_SINK_BROKEN || in->pending_length > 0)
		return (EXCHANGE_MORE);
	if (in->inflating)
		event = inflate(in, error);
	while (event == EXCHANGE_MORE && in->start < in->end) {
		event = exchange_next(&in->exchange, in->bytes + in->start,
		    in->end - in->start, &consumed, error);
		in->start += consumed;
		if (event == EXCHANGE_DATA)
			event = take_data(in, error);
	}
	if (event == EXCHANGE_REQUEST)
		in->unheard = 0;
	else if (event == EXCHANGE_SHUTDOWN)
		in->shutdown_seen = true;
	return (event);
}

/* --- the sink --- */

void
dataconn_in_sink(struct dataconn_in *in, enum dataconn_sink_state sink, int fd)
{
	in->sink = sink;
	in->sink_fd = fd;
	if (sink == DATACONN_SINK_NONE || sink == DATACONN_SINK_BROKEN)
		in->pending_length = 0;
}

void
dataconn_in_flush(struct dataconn_in *in)
{
	ssize_t put;

	if (in->sink == DATACONN_SINK_NONE)
		in->pending_length = 0;
	while (in->pending_length > 0 && in->sink == DATACONN_SINK_OPEN) {
		put = io_write(in->sink_fd, in->pending, in->pending_length);
		if (put == -1) {
			if (errno == EAGAIN)
				return;
			in->sink_errno = errno;
			dataconn_in_sink(in, DATACONN_SINK_BROKEN, -1);
			return;
		}
		in->pending += put;
		in->pending_length -= (size_t)put;
	}
}

int
dataconn_in_broken(struct dataconn_in *in, struct error *error)
{
	if (in->sink != DATACONN_SINK_BROKEN)
		return (0);
	in->sink = DATACONN_SINK_NONE;
	errno = in->sink_errno;
	return (error_errno(error, "cannot write the stream"));
}

void
dataconn_in_free(struct dataconn_in *in)
{
	exchange_free(&in->exchange);
	decompressor_free(&in->decompressor);
	free(in->bytes);
}
