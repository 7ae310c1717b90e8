#include "base/io.h"
#include "base/signals.h"
#include "dataconn/dataconn.h"

bool
dataconn_terminated(struct dataconn *conn, bool work)
{
	if (!signals_take(SIGTERM))
		return (false);
	if (conn->stopping || !work)
		return (true);
	conn->stopping = true;
	return (false);
}

/*
 * Drop what was read, but see heartbeats and Shutdown.  True if the peer said
 * that it is alive.
 */
static bool
discard_input(struct dataconn *conn)
{
	const uint64_t heartbeats = conn->statistics.heartbeats_received;
	struct error ignored;
	size_t consumed;

	conn->pending_length = 0;
	while (conn->in_start < conn->in_end) {
		switch (exchange_next(&conn->exchange, conn->in + conn->in_start,
		    conn->in_end - conn->in_start, &consumed, &ignored)) {
		case EXCHANGE_HEARTBEAT:
			conn->statistics.heartbeats_received++;
			break;
		case EXCHANGE_SHUTDOWN:
			conn->shutdown_seen = true;
			break;
		default:
			break;
		}
		conn->in_start += consumed;
	}
	return (heartbeats != conn->statistics.heartbeats_received);
}

/* Shutdown and whatever waits before it.  False where that cannot be. */
static bool
write_rest(struct dataconn *conn)
{
	struct error ignored;

	if (!conn->write_failed)
		stream_append_empty(&conn->out, FRAME_SHUTDOWN, &ignored);
	do {
		dataconn_flush(conn, io_now());
		discard_input(conn);
		if (dataconn_failure(conn, io_now()) != NULL ||
		    dataconn_terminated(conn, true))
			return (false);
		if (!dataconn_flushed(conn))
			dataconn_wait(conn, NULL, 0, io_now() + 1000);
	} while (!dataconn_flushed(conn));
	return (true);
}

/* Until the peer closes, or has had its time (see dataconn.h). */
static void
drain(struct dataconn *conn, int64_t patience_ms)
{
	const bool reads_stream = conn->chunk != NULL &&
	    conn->exchange.role == EXCHANGE_SERVER && !conn->lost;
	int left, before = io_unacknowledged(conn->chain.read_fd);
	int64_t now = io_now(), deadline = now + patience_ms;
	int64_t limit = now + conn->stream_ms;
	struct pace pace;
	bool took, heard;

	pace_start(&pace, patience_ms, now);
	while (!conn->end_of_file && !conn->shutdown_seen && now < deadline &&
	    !dataconn_terminated(conn, true)) {
		dataconn_wait(conn, NULL, 0, io_earlier(deadline, now + 1000));
		heard = discard_input(conn);
		left = io_unacknowledged(conn->chain.read_fd);
		took = left < before;
		now = io_now();
		if (took) {
			pace_moved(&pace, (size_t)(before - left), now);
			limit = now + conn->stream_ms;
		}
		if (reads_stream && (took || heard))
			deadline = io_earlier(now + patience_ms, limit);
		else if (!reads_stream)
			deadline = pace_deadline(&pace);
		before = left;
	}
}

void
dataconn_close(struct dataconn *conn)
{
	conn->closing = true;
	conn->source = -1;
	conn->sink = -1;
	conn->rate = RATE_UNLIMITED;
	liveness_expect(&conn->liveness, INT64_MAX, NULL);
	if (!write_rest(conn))
		return;
	conn->liveness.mute = true;
	if (io_half_close(conn->chain.write_fd) == -1)
		return;
	if (conn->chain.write_fd != conn->chain.read_fd)
		io_close(&conn->chain.write_fd);
	drain(conn, conn->lost ? DATACONN_LOST_DRAIN_MS : DATACONN_DRAIN_MS);
}
