#include "base/io.h"
#include "base/signals.h"
#include "dataconn/dataconn_private.h"

/* Drop what was read.  True if the peer said that it is alive. */
static bool
discard_input(struct dataconn *conn)
{
	const uint64_t heartbeats = conn->statistics.heartbeats_received;
	enum exchange_event event;
	struct error ignored;

	while ((event = dataconn_in_next(&conn->in, &ignored)) != EXCHANGE_MORE)
		conn->statistics.heartbeats_received +=
		    event == EXCHANGE_HEARTBEAT;
	return (heartbeats != conn->statistics.heartbeats_received);
}

/* Write Shutdown and everything that waits before it.  False if that is impossible. */
static bool
write_rest(struct dataconn *conn)
{
	struct error ignored;

	if (!conn->out.failed)
		stream_append_empty(&conn->out.queue, FRAME_SHUTDOWN, &ignored);
	do {
		dataconn_flush(conn, io_now());
		discard_input(conn);
		if (dataconn_failure(conn, io_now()) != NULL ||
		    signals_take(SIGINT))
			return (false);
		if (!dataconn_out_flushed(&conn->out))
			dataconn_wait(conn, NULL, 0, io_now() + 1000);
	} while (!dataconn_out_flushed(&conn->out));
	return (true);
}

/* Until the peer closes, or has had its time (see dataconn.h). */
static void
drain(struct dataconn *conn, bool is_lost)
{
	const bool reads_stream = conn->out.source != DATACONN_SOURCE_NONE &&
	    conn->in.exchange.role == EXCHANGE_SERVER && !is_lost;
	const int64_t patience_ms = is_lost ? DATACONN_LOST_DRAIN_MS :
	    DATACONN_DRAIN_MS;
	int left, before = io_unacknowledged(conn->in.fd);
	int64_t now = io_now(), deadline = now + patience_ms;
	int64_t limit = now + conn->stream_ms;
	struct pace pace;
	bool took, heard;

	pace_start(&pace, patience_ms, now);
	while (conn->in.network != DATACONN_NETWORK_END &&
	    !conn->in.shutdown_seen && now < deadline && !signals_take(SIGINT)) {
		dataconn_wait(conn, NULL, 0, io_earlier(deadline, now + 1000));
		heard = discard_input(conn);
		left = io_unacknowledged(conn->in.fd);
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
	const bool is_lost = conn->phase == DATACONN_IS_LOST;

	conn->phase = DATACONN_CLOSES;
	dataconn_drop_streams(conn);
	conn->rate = RATE_UNLIMITED;
	liveness_expect(&conn->liveness, INT64_MAX, NULL);
	if (!write_rest(conn))
		return;
	conn->liveness.mute = true;
	if (io_half_close(conn->out.fd) == -1)
		return;
	if (conn->out.fd != conn->in.fd)
		io_close(&conn->out.fd);
	drain(conn, is_lost);
}
