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

void
dataconn_close(struct dataconn *conn)
{
	const int64_t patience = conn->lost ? DATACONN_LOST_DRAIN_MS :
	    DATACONN_DRAIN_MS;
	struct error ignored;
	int64_t deadline;
	int left, before;

	conn->closing = true;
	conn->source = -1;
	conn->sink = -1;
	conn->rate = RATE_UNLIMITED;
	if (!conn->write_failed)
		stream_append_empty(&conn->out, FRAME_SHUTDOWN, &ignored);
	do {
		dataconn_flush(conn, io_now());
		discard_input(conn);
		if (liveness_failure(&conn->liveness, io_now()) != NULL ||
		    dataconn_terminated(conn, true))
			return;
		if (!dataconn_flushed(conn))
			dataconn_wait(conn, NULL, 0, io_now() + 1000);
	} while (!dataconn_flushed(conn));
	conn->liveness.mute = true;
	if (io_half_close(conn->chain.write_fd) == -1)
		return;
	if (conn->chain.write_fd != conn->chain.read_fd)
		io_close(&conn->chain.write_fd);

	before = io_unacknowledged(conn->chain.read_fd);
	deadline = io_now() + patience;
	while (!conn->end_of_file && !conn->shutdown_seen &&
	    io_now() < deadline && !dataconn_terminated(conn, true)) {
		dataconn_wait(conn, NULL, 0, io_earlier(deadline, io_now() + 1000));
		left = io_unacknowledged(conn->chain.read_fd);
		if (discard_input(conn) || left < before)
			deadline = io_now() + patience;
		before = left;
	}
}
