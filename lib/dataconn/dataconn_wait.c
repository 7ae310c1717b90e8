#include <string.h>

#include "base/io.h"
#include "dataconn/dataconn_private.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0	/* then a FIN is seen when it is read */
#endif

enum { NETWORK_IN, NETWORK_OUT, SOURCE, SINK, OURS };

struct turn {
	struct pollfd entries[OURS + DATACONN_EXTRA_MAX];
	int64_t deadline;
	int64_t *waiting_for;	/* the statistic that this wait belongs to */
};

/* Does the caller still ask dataconn_next() for what happens? */
static bool
is_told(const struct dataconn *conn)
{
	return (conn->phase == DATACONN_RUNS && !conn->in.shutdown_seen);
}

/*
 * The stream of Receive: a sender may pause, but not hold us for ever.  The client is not
 * to blame while we do not read, because of a slow consumer or of -r.
 */
static void
await_stream(struct dataconn *conn, bool reading, int64_t now)
{
	const bool waits = reading && dataconn_in_streams(&conn->in) &&
	    conn->phase != DATACONN_CLOSES &&
	    conn->in.exchange.role == EXCHANGE_SERVER;

	if (waits && !conn->stream_awaited)
		liveness_expect(&conn->liveness, now + conn->stream_ms,
		    "the client's stream stands still");
	else if (!waits && conn->stream_awaited)
		liveness_expect(&conn->liveness, INT64_MAX, NULL);
	conn->stream_awaited = waits;
}

bool
dataconn_is_held(const struct dataconn *conn)
{
	return (conn->rate.tokens < 0 && dataconn_in_streams(&conn->in) &&
	    dataconn_in_has_more(&conn->in));
}

static void
plan_turn(struct dataconn *conn, struct turn *turn, int64_t now)
{
	const bool unwritten = !dataconn_out_flushed(&conn->out);
	const bool limited = dataconn_in_streams(&conn->in);
	bool reading = dataconn_in_reads(&conn->in);
	bool sourcing = dataconn_has_source(conn) && !unwritten &&
	    !conn->out.failed;
	struct pollfd *entry = turn->entries;

	for (int i = 0; i < OURS; i++)
		entry[i] = (struct pollfd){ .fd = -1 };
	turn->deadline = IO_FOREVER;
	turn->waiting_for = &conn->statistics.network_ms;
	if (dataconn_is_held(conn) || (((reading && limited) || sourcing) &&
	    rate_available(&conn->rate, now) == 0)) {
		turn->deadline = rate_ready_at(&conn->rate, now);
		turn->waiting_for = &conn->statistics.rate_ms;
		reading = reading && !limited;
		sourcing = false;
	}
	liveness_pending(&conn->liveness, reading, unwritten, !reading &&
	    conn->in.network != DATACONN_NETWORK_END, now);
	await_stream(conn, reading, now);
	/* After a reported time-out the deadline stays in the past: ignore it. */
	if (is_told(conn))
		turn->deadline = io_earlier(turn->deadline,
		    io_earlier(liveness_deadline(&conn->liveness),
		    dataconn_out_deadline(&conn->out)));
	if (reading) {
		entry[NETWORK_IN].events |= POLLIN;
		turn->deadline = io_earlier(turn->deadline,
		    dataconn_in_gather(&conn->in, now));
	}
	if (conn->in.network == DATACONN_NETWORK_OPEN)
		entry[NETWORK_IN].events |= POLLRDHUP;
	if (entry[NETWORK_IN].events != 0)
		entry[NETWORK_IN].fd = conn->in.fd;
	if (unwritten)
		entry[NETWORK_OUT] = (struct pollfd){ .fd = conn->out.fd,
		    .events = POLLOUT };
	else if (sourcing) {
		entry[SOURCE] = (struct pollfd){ .fd = conn->out.source_fd,
		    .events = POLLIN };
		turn->waiting_for = &conn->statistics.producer_ms;
	}
	if (conn->in.pending_length > 0) {
		entry[SINK] = (struct pollfd){ .fd = conn->in.sink_fd,
		    .events = POLLOUT };
		turn->waiting_for = &conn->statistics.consumer_ms;
	}
}

void
dataconn_flush(struct dataconn *conn, int64_t now)
{
	if (!dataconn_out_write(&conn->out, now, &conn->error))
		return;
	liveness_wrote(&conn->liveness, now);
	liveness_sent_frame(&conn->liveness, now);
}

static void
read_source(struct dataconn *conn, int64_t now)
{
	const size_t max = rate_available(&conn->rate, now);
	const size_t got = max > 0 ? dataconn_out_read(&conn->out, max) : 0;

	rate_take(&conn->rate, got);
	conn->statistics.bytes += got;
	dataconn_flush(conn, now);
}

static void
read_network(struct dataconn *conn, int64_t now)
{
	const size_t max = dataconn_in_streams(&conn->in) ?
	    rate_available(&conn->rate, now) : SIZE_MAX;

	if (max > 0 && dataconn_in_read(&conn->in, max, &conn->error))
		liveness_heard(&conn->liveness, now);
}

static void
send_heartbeat(struct dataconn *conn)
{
	if (stream_append_empty(&conn->out.queue, FRAME_HEARTBEAT,
	    &conn->error) == 0)
		conn->statistics.heartbeats_sent++;
}

/* The network's events other than POLLIN. */
static void
see_network(struct dataconn *conn, const struct pollfd *entry)
{
	if (entry->revents & (POLLRDHUP | POLLHUP | POLLERR) &&
	    conn->in.network == DATACONN_NETWORK_OPEN)
		conn->in.network = DATACONN_NETWORK_FIN;
	if (entry->revents & POLLERR && (entry->events & POLLIN) == 0 &&
	    conn->in.exchange.role == EXCHANGE_SERVER) {
		/* Nobody is left to answer to, so do not wait for a slow consumer. */
		error_set(&conn->error, EXIT_PROTOCOL, "connection reset by peer");
		conn->phase = DATACONN_IS_LOST;
	}
}

void
dataconn_wait(struct dataconn *conn, struct pollfd *extra, size_t count,
    int64_t until)
{
	const int64_t before = io_now();
	const bool tells = conn->out.source == DATACONN_SOURCE_ENDED ||
	    conn->in.sink == DATACONN_SINK_BROKEN;
	const bool paced = conn->out.compresses && dataconn_has_source(conn);
	struct turn turn;
	int64_t now, before_us = 0;
	int ready;

	if (conn->out.failed || conn->in.network != DATACONN_NETWORK_OPEN)
		conn->liveness.mute = true;
	if (liveness_heartbeat_due(&conn->liveness, before) &&
	    dataconn_out_flushed(&conn->out))
		send_heartbeat(conn);
	plan_turn(conn, &turn, before);
	if (count > 0)
		memcpy(turn.entries + OURS, extra, count * sizeof(*extra));
	if (paced)
		before_us = io_now_us();
	ready = io_poll(turn.entries, OURS + count, tells && is_told(conn) ? 0 :
	    io_earlier(turn.deadline, until));
	now = io_now();
	*turn.waiting_for += now - before;
	if (paced)
		dataconn_out_waited(&conn->out, turn.entries[NETWORK_OUT].fd != -1,
		    io_now_us() - before_us);
	for (size_t i = 0; i < count; i++)
		extra[i].revents = ready > 0 ? turn.entries[OURS + i].revents : 0;
	if (ready == 0)
		return;
	see_network(conn, &turn.entries[NETWORK_IN]);
	if (turn.entries[NETWORK_IN].events & POLLIN &&
	    turn.entries[NETWORK_IN].revents != 0)
		read_network(conn, now);
	if (turn.entries[NETWORK_OUT].revents != 0)
		dataconn_flush(conn, now);
	if (turn.entries[SOURCE].revents != 0)
		read_source(conn, now);
	if (turn.entries[SINK].revents != 0)
		dataconn_in_flush(&conn->in);
}
