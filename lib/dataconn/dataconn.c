#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "dataconn/dataconn.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0	/* then a FIN is seen when it is read */
#endif

/* Kept back of a stream, so that its last frame is never one byte long. */
#define TAIL 2u

int
dataconn_init(struct dataconn *conn, const struct chain *chain,
    enum exchange_role role, enum method_kind method, const struct rate *rate,
    struct error *error)
{
	*conn = (struct dataconn){ .chain = *chain, .rate = *rate,
	    .stream_ms = DATACONN_STREAM_MS, .out = BUFFER_EMPTY(DATACONN_OUT_MAX), .source = -1, .sink = -1 };
	exchange_init(&conn->exchange, role, method);
	conn->statistics.started = io_now();
	liveness_init(&conn->liveness, conn->statistics.started);
	if (role == EXCHANGE_SERVER)
		liveness_expect(&conn->liveness, conn->statistics.started +
		    DATACONN_REQUEST_MS, "the client's request has not come in "
		    "30 seconds");
	conn->in = aligned_alloc(4096, DATACONN_CHUNK);
	if (conn->in == NULL)
		return (error_errno(error, "data connection"));
	if (io_set_nonblocking(chain->read_fd, true) == -1 ||
	    io_set_nonblocking(chain->write_fd, true) == -1)
		return (error_errno(error, "data connection"));
	io_limit_unsent(chain->write_fd);
	return (0);
}

/* --- the outgoing stream --- */

/*
 * The chunk buffer: reads go to a page boundary, where the kernel copies
 * fastest; in front of it is room for what was kept of the read before, and
 * the header in front of that.
 */
#define CHUNK_LEAD 4096u

/*
 * length bytes were read behind the tail.  All but the last TAIL bytes become
 * a frame; where that would be a frame of less than two bytes, all are kept.
 */
static void
cut_frame(struct dataconn *conn, size_t length)
{
	uint8_t *payload = conn->chunk + CHUNK_LEAD - conn->tail_length;
	const size_t have = conn->tail_length + length;
	const size_t send = have >= 2 + TAIL ? have - TAIL : 0;

	memcpy(payload, conn->tail, conn->tail_length);
	conn->tail_length = have - send;
	memcpy(conn->tail, payload + send, conn->tail_length);
	if (send == 0)
		return;
	frame_encode(payload - FRAME_HEADER_SIZE, FRAME_ZFS_STREAM, (uint32_t)send);
	conn->chunk_start = (size_t)(payload - conn->chunk) - FRAME_HEADER_SIZE;
	conn->chunk_end = conn->chunk_start + FRAME_HEADER_SIZE + send;
	conn->statistics.frames++;
}

int
dataconn_source(struct dataconn *conn, int fd, const void *first,
    size_t length, struct error *error)
{
	const size_t send = length >= 2 + TAIL ? length - TAIL : 0;

	conn->chunk = aligned_alloc(CHUNK_LEAD, CHUNK_LEAD + DATACONN_CHUNK);
	if (conn->chunk == NULL)
		return (error_errno(error, "data connection"));
	conn->source = fd;
	conn->statistics.bytes += length;
	conn->tail_length = length - send;
	memcpy(conn->tail, (const uint8_t *)first + send, conn->tail_length);
	if (send == 0)
		return (0);
	/* Behind the response, which may still be waiting. */
	conn->statistics.frames++;
	return (stream_append_frame(&conn->out, FRAME_ZFS_STREAM, first, send,
	    error));
}

int
dataconn_source_finish(struct dataconn *conn, const char *failure,
    struct error *error)
{
	if (failure == NULL && conn->tail_length == 1)
		failure = "a stream of a single byte cannot be sent";
	if (conn->tail_length > 1) {
		if (stream_append_frame(&conn->out, FRAME_ZFS_STREAM,
		    conn->tail, conn->tail_length, error) == -1)
			return (-1);
		conn->statistics.frames++;
	}
	conn->tail_length = 0;
	if (failure != NULL)
		return (stream_append_error(&conn->out, failure, error));
	return (stream_append_empty(&conn->out, FRAME_END, error));
}

bool
dataconn_flushed(const struct dataconn *conn)
{
	return (conn->write_failed || (conn->chunk_start == conn->chunk_end &&
	    buffer_length(&conn->out) == 0));
}

void
dataconn_flush(struct dataconn *conn, int64_t now)
{
	const bool chunk = conn->chunk_start < conn->chunk_end;
	const uint8_t *bytes;
	size_t length;
	ssize_t put;

	if (chunk) {
		bytes = conn->chunk + conn->chunk_start;
		length = conn->chunk_end - conn->chunk_start;
	} else {
		bytes = buffer_front(&conn->out);
		length = buffer_length(&conn->out);
	}
	if (length == 0 || conn->write_failed)
		return;
	put = io_write(conn->chain.write_fd, bytes, length);
	if (put == -1) {
		if (errno == EAGAIN)
			return;
		/* What the peer said before it went is still to be read. */
		conn->write_failed = true;
		if (conn->error.code == EXIT_DONE)
			error_set(&conn->error, EXIT_PROTOCOL,
			    "the peer closed the connection: %s", strerror(errno));
		return;
	}
	if (chunk)
		conn->chunk_start += (size_t)put;
	else {
		buffer_consume(&conn->out, (size_t)put);
		conn->message_left -= (size_t)put < conn->message_left ?
		    (size_t)put : conn->message_left;
		pace_moved(&conn->message, (size_t)put, now);
	}
	liveness_wrote(&conn->liveness, now);
	liveness_sent_frame(&conn->liveness, now);
}

static void
read_source(struct dataconn *conn, int64_t now)
{
	size_t allowed;
	ssize_t got;

	allowed = rate_available(&conn->rate, now);
	if (allowed == 0)
		return;
	got = io_read(conn->source, conn->chunk + CHUNK_LEAD,
	    DATACONN_CHUNK < allowed ? DATACONN_CHUNK : allowed);
	if (got == -1 && errno == EAGAIN)
		return;
	if (got <= 0) {
		conn->source_errno = got == -1 ? errno : 0;
		conn->source = -1;
		conn->source_ended = true;
		return;
	}
	rate_take(&conn->rate, (size_t)got);
	conn->statistics.bytes += (uint64_t)got;
	cut_frame(conn, (size_t)got);
	if (conn->chunk_start < conn->chunk_end && !conn->write_failed)
		dataconn_flush(conn, now);
}

/* --- the incoming direction --- */

/* -r is about the ZFS stream only. */
static bool
limits_input(const struct dataconn *conn)
{
	return (conn->exchange.state == EXCHANGE_IN_STREAM);
}

/*
 * Bytes came.  Heartbeats are a sign of life only between frames, and to a
 * server only once it has the request, which a client sends in one go.
 * Anywhere else, a peer that a length came from wrongly would be waited for
 * as long as it sends them, and so would one that just holds the connection.
 */
static void
hear(struct dataconn *conn, size_t length, int64_t now)
{
	const struct exchange *exchange = &conn->exchange;
	const bool begun = length < exchange->frames.left ||
	    (exchange->role == EXCHANGE_SERVER &&
	    exchange->state < EXCHANGE_IN_STREAM);

	conn->unheard += length;
	if (begun && conn->unheard < DATACONN_PROGRESS)
		return;
	conn->unheard = 0;
	liveness_heard(&conn->liveness, now);
}

static void
read_network(struct dataconn *conn, int64_t now)
{
	size_t size = DATACONN_CHUNK, wanted, allowed;
	ssize_t got;

	allowed = limits_input(conn) ? rate_available(&conn->rate, now) : SIZE_MAX;
	if (allowed == 0)
		return;
	/* End a read where the next frame's payload begins, if that is worth it. */
	wanted = exchange_wanted(&conn->exchange);
	if (wanted >= DATACONN_CHUNK / 8 && wanted < size)
		size = wanted;
	got = io_read(conn->chain.read_fd, conn->in, size < allowed ? size : allowed);
	if (got == -1 && errno == EAGAIN)
		return;
	if (got > 0) {
		conn->in_start = 0;
		conn->in_end = (size_t)got;
		hear(conn, (size_t)got, now);
		return;
	}
	conn->end_of_file = true;
	conn->fin_seen = true;
	if (got == -1)
		error_set(&conn->error, EXIT_PROTOCOL, "connection lost: %s",
		    strerror(errno));
}

/* Give the sink what it takes of the pending bytes. */
static void
flush_sink(struct dataconn *conn)
{
	ssize_t put;

	while (conn->pending_length > 0 && conn->sink != DATACONN_SINK_LATER) {
		if (conn->sink == -1) {
			conn->pending_length = 0;
			return;
		}
		put = io_write(conn->sink, conn->pending, conn->pending_length);
		if (put == -1) {
			if (errno == EAGAIN)
				return;
			conn->sink_errno = errno;
			conn->sink_failed = true;
			conn->sink = -1;
			conn->pending_length = 0;
			return;
		}
		conn->pending += put;
		conn->pending_length -= (size_t)put;
	}
}

static enum dataconn_event
lost(struct dataconn *conn, struct error *error)
{
	conn->lost = true;
	*error = conn->error;
	return (DATACONN_LOST);
}

/* What the bytes read so far say, up to the first thing worth telling. */
static enum dataconn_event
next_from_network(struct dataconn *conn)
{
	size_t consumed;
	enum exchange_event event;

	while (!conn->sink_failed && conn->pending_length == 0 &&
	    conn->in_start < conn->in_end) {
		event = exchange_next(&conn->exchange, conn->in + conn->in_start,
		    conn->in_end - conn->in_start, &consumed, &conn->error);
		conn->in_start += consumed;
		switch (event) {
		case EXCHANGE_MORE:
			break;
		case EXCHANGE_HEARTBEAT:
			conn->statistics.heartbeats_received++;
			break;
		case EXCHANGE_DATA:
			conn->stream_awaited = false;
			conn->pending = conn->exchange.data;
			conn->pending_length = conn->exchange.data_length;
			conn->statistics.bytes += conn->pending_length;
			conn->statistics.frames +=
			    conn->exchange.frames.left == 0;
			rate_take(&conn->rate, conn->pending_length);
			flush_sink(conn);
			break;
		case EXCHANGE_REQUEST:
			conn->unheard = 0;
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
			conn->shutdown_seen = true;
			conn->liveness.mute = true;
			return (DATACONN_SHUTDOWN);
		case EXCHANGE_BROKEN:
			conn->lost = true;
			return (DATACONN_LOST);
		}
	}
	return (DATACONN_WAIT);
}

/* Only as long as some of it waits. */
static int64_t
message_deadline(const struct dataconn *conn)
{
	return (conn->message_left > 0 && !conn->write_failed ?
	    pace_deadline(&conn->message) : INT64_MAX);
}

const char *
dataconn_failure(const struct dataconn *conn, int64_t now)
{
	if (now >= message_deadline(conn))
		return ("the peer has taken nothing, or next to nothing, of a "
		    "message for 60 seconds");
	return (liveness_failure(&conn->liveness, now));
}

enum dataconn_event
dataconn_next(struct dataconn *conn, struct error *error)
{
	enum dataconn_event event;
	const char *failure;
	int64_t now;

	if (conn->lost)
		return (lost(conn, error));
	if (conn->sink == -1)
		conn->pending_length = 0;
	event = next_from_network(conn);
	if (conn->sink_failed) {
		conn->sink_failed = false;
		errno = conn->sink_errno;
		error_errno(error, "cannot write the stream");
		return (DATACONN_SINK_FAILED);
	}
	if (event == DATACONN_LOST)
		return (lost(conn, error));
	if (event != DATACONN_WAIT)
		return (event);
	if (conn->pending_length == 0 && conn->end_of_file) {
		if (conn->error.code == EXIT_DONE) {
			/* Even a clean end loses it for who still waits. */
			if (exchange_end_of_file(&conn->exchange,
			    &conn->error) == 0)
				error_set(&conn->error, EXIT_PROTOCOL,
				    "the peer closed the connection");
			strlcat(conn->error.text,
			    io_end_remark(conn->chain.read_fd),
			    sizeof(conn->error.text));
		}
		return (lost(conn, error));
	}
	if (conn->source_ended) {
		conn->source_ended = false;
		if (conn->source_errno == 0)
			return (DATACONN_SOURCE_END);
		errno = conn->source_errno;
		error_errno(error, "cannot read the stream");
		return (DATACONN_SOURCE_FAILED);
	}
	now = io_now();
	failure = dataconn_failure(conn, now);
	if (failure != NULL) {
		if (conn->unheard > 0 && !conn->liveness.writing &&
		    now < conn->liveness.due)
			failure = "what the peer began to say has not gone on "
			    "for 10 seconds";
		error_set(&conn->error, EXIT_TIMEOUT, "%s", failure);
		return (lost(conn, error));
	}
	return (DATACONN_WAIT);
}

/* --- one turn of the loop --- */

enum { NETWORK_IN, NETWORK_OUT, SOURCE, SINK, OURS };

struct turn {
	struct pollfd entries[OURS + DATACONN_EXTRA_MAX];
	int64_t deadline;
	int64_t *waiting_for;	/* the statistic that this wait belongs to */
};

/* Nobody asks dataconn_next() any more: there will be no other event. */
static bool
is_over(const struct dataconn *conn)
{
	return (conn->lost || conn->shutdown_seen);
}

/*
 * The stream of Receive: a sender may think, but not hold us for ever.  What is
 * not read, for a slow consumer or for -r, is not the client's doing.
 */
static void
await_stream(struct dataconn *conn, bool reading, int64_t now)
{
	const bool waits = reading && limits_input(conn) && !conn->closing &&
	    conn->exchange.role == EXCHANGE_SERVER;

	if (waits && !conn->stream_awaited)
		liveness_expect(&conn->liveness, now + conn->stream_ms,
		    "the client's stream stands still");
	else if (!waits && conn->stream_awaited)
		liveness_expect(&conn->liveness, INT64_MAX, NULL);
	conn->stream_awaited = waits;
}

static void
plan_turn(struct dataconn *conn, struct turn *turn, int64_t now)
{
	const bool unwritten = !dataconn_flushed(conn);
	bool reading = !conn->end_of_file && conn->pending_length == 0 &&
	    conn->in_start == conn->in_end;
	bool sourcing = conn->source != -1 && !unwritten && !conn->write_failed;
	struct pollfd *entry = turn->entries;

	for (int i = 0; i < OURS; i++)
		entry[i] = (struct pollfd){ .fd = -1 };
	turn->deadline = IO_FOREVER;
	turn->waiting_for = &conn->statistics.network_ms;
	if (((reading && limits_input(conn)) || sourcing) &&
	    rate_available(&conn->rate, now) == 0) {
		turn->deadline = io_earlier(turn->deadline,
		    rate_ready_at(&conn->rate, now));
		turn->waiting_for = &conn->statistics.rate_ms;
		reading = reading && !limits_input(conn);
		sourcing = false;
	}
	liveness_pending(&conn->liveness, reading, unwritten,
	    !reading && !conn->end_of_file, now);
	await_stream(conn, reading, now);
	/* Once that has been told, or is no news, its time has come for good. */
	if (!is_over(conn) && !conn->closing)
		turn->deadline = io_earlier(turn->deadline, io_earlier(
		    liveness_deadline(&conn->liveness), message_deadline(conn)));
	if (reading)
		entry[NETWORK_IN].events |= POLLIN;
	if (!conn->fin_seen)
		entry[NETWORK_IN].events |= POLLRDHUP;
	if (entry[NETWORK_IN].events != 0)
		entry[NETWORK_IN].fd = conn->chain.read_fd;
	if (unwritten)
		entry[NETWORK_OUT] = (struct pollfd){
		    .fd = conn->chain.write_fd, .events = POLLOUT };
	else if (sourcing) {
		entry[SOURCE] = (struct pollfd){ .fd = conn->source,
		    .events = POLLIN };
		turn->waiting_for = &conn->statistics.producer_ms;
	}
	if (conn->pending_length > 0) {
		entry[SINK] = (struct pollfd){ .fd = conn->sink,
		    .events = POLLOUT };
		turn->waiting_for = &conn->statistics.consumer_ms;
	}
}

static void
send_heartbeat(struct dataconn *conn)
{
	if (stream_append_empty(&conn->out, FRAME_HEARTBEAT, &conn->error) == 0)
		conn->statistics.heartbeats_sent++;
}

void
dataconn_wait(struct dataconn *conn, struct pollfd *extra, size_t count,
    int64_t until)
{
	struct turn turn;
	int64_t now = io_now(), before = now;
	int ready;

	if (conn->write_failed || conn->fin_seen)
		conn->liveness.mute = true;
	if (liveness_heartbeat_due(&conn->liveness, now) && dataconn_flushed(conn))
		send_heartbeat(conn);
	plan_turn(conn, &turn, now);
	if (count > 0)
		memcpy(turn.entries + OURS, extra, count * sizeof(*extra));
	if ((conn->source_ended || conn->sink_failed) && !is_over(conn) &&
	    !conn->closing)
		until = 0;
	ready = io_poll(turn.entries, OURS + count,
	    io_earlier(turn.deadline, until));
	now = io_now();
	*turn.waiting_for += now - before;
	for (size_t i = 0; i < count; i++)
		extra[i].revents = ready > 0 ? turn.entries[OURS + i].revents : 0;
	if (ready == 0)
		return;
	if (turn.entries[NETWORK_IN].revents & (POLLRDHUP | POLLHUP | POLLERR))
		conn->fin_seen = true;
	if (turn.entries[NETWORK_IN].revents & POLLERR &&
	    (turn.entries[NETWORK_IN].events & POLLIN) == 0 &&
	    conn->exchange.role == EXCHANGE_SERVER) {
		/* Nobody is left to answer to, however slow our consumer is. */
		error_set(&conn->error, EXIT_PROTOCOL, "connection reset by peer");
		conn->lost = true;
	}
	if (turn.entries[NETWORK_IN].events & POLLIN &&
	    turn.entries[NETWORK_IN].revents != 0)
		read_network(conn, now);
	if (turn.entries[NETWORK_OUT].revents != 0)
		dataconn_flush(conn, now);
	if (turn.entries[SOURCE].revents != 0)
		read_source(conn, now);
	if (turn.entries[SINK].revents != 0)
		flush_sink(conn);
}

void
dataconn_free(struct dataconn *conn)
{
	exchange_free(&conn->exchange);
	buffer_free(&conn->out);
	free(conn->chunk);
	free(conn->in);
	conn->chunk = conn->in = NULL;
}
