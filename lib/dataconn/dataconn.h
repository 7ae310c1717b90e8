#ifndef ZR_DATACONN_H
#define ZR_DATACONN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/pace.h"
#include "base/rate.h"
#include "dataconn/exchange.h"
#include "dataconn/liveness.h"
#include "transport/chain.h"

/*
 * One data connection's I/O, the same for both roles: it moves bytes between
 * the network, a source (the descriptor a ZFS stream is read from) and a sink
 * (the one it is written to), keeps the peer informed and watched, and hands
 * out what the peer says as events.  zr-dataconn's client (dataconn_client.h)
 * and server (dataconn_server.h) decide what to do about them.
 *
 *	while not done
 *		while (event = dataconn_next()) is not DATACONN_WAIT
 *			...
 *		dataconn_wait()
 *
 * The data path is one read and one write for each chunk in one reused
 * buffer, each way; nothing is ever held but that buffer.
 */
#define DATACONN_CHUNK		(128u << 10)	/* bytes per read */
#define DATACONN_PROGRESS	64u		/* bytes of a message: a sign of life */
#define DATACONN_REQUEST_MS	30000		/* for a client's request to come */
#define DATACONN_STREAM_MS	3600000		/* for some of its stream, unless told */
#define DATACONN_MESSAGE_MS	60000		/* a message that waits: its pace.h window */
#define DATACONN_DRAIN_MS	10000		/* from our Shutdown to giving up */
#define DATACONN_LOST_DRAIN_MS	2000		/* the same after a protocol error */
#define DATACONN_OUT_MAX	(STREAM_RESPONSE_MAX + STREAM_HEADER_MAX + (256u << 10))

struct dataconn_statistics {
	uint64_t bytes;			/* of the ZFS stream, either way */
	uint64_t frames;		/* that carried them */
	uint64_t heartbeats_sent;
	uint64_t heartbeats_received;
	int64_t started;		/* ms */
	int64_t network_ms;		/* spent waiting for the peer, */
	int64_t producer_ms;		/* for the source, */
	int64_t consumer_ms;		/* for the sink, */
	int64_t rate_ms;		/* for -r */
};

enum dataconn_event {
	DATACONN_WAIT,		/* nothing more before dataconn_wait() */
	DATACONN_REQUEST,	/* see enum exchange_event */
	DATACONN_RESPONSE,
	DATACONN_REFUSED,
	DATACONN_STREAM_END,
	DATACONN_STREAM_FAILED,
	DATACONN_SHUTDOWN,
	DATACONN_SOURCE_END,	/* the source's end of file; once */
	DATACONN_SOURCE_FAILED,	/* it cannot be read to that: *error; once */
	DATACONN_SINK_FAILED,	/* the sink takes no more: *error; once */
	DATACONN_LOST		/* the connection is over: *error; from now on */
};

struct dataconn {
	struct chain chain;
	struct exchange exchange;
	struct liveness liveness;
	struct rate rate;
	struct dataconn_statistics statistics;

	struct buffer out;	/* control frames, sent after the chunk below */
	uint8_t *chunk;		/* a stream frame: header, payload */
	size_t chunk_start, chunk_end;	/* what of it is still to be written */
	uint8_t tail[4];	/* the stream's last bytes so far, not yet sent */
	size_t tail_length;
	int source;		/* -1: none */
	bool source_ended;	/* DATACONN_SOURCE_END or _FAILED is still to be told */
	int source_errno;	/* not 0: _FAILED */

	size_t message_left;	/* what of out is a message, and */
	struct pace message;	/* how the peer takes that */

	int64_t stream_ms;	/* a client's stream may stand still so long */
	bool stream_awaited;	/* it does */
	size_t unheard;		/* bytes read that do not count as a sign of life */
	uint8_t *in;		/* what was read from the network */
	size_t in_start, in_end;
	const uint8_t *pending;	/* stream bytes that the sink has not taken */
	size_t pending_length;
	int sink;		/* -1: stream bytes are dropped; or */
#define DATACONN_SINK_LATER (-2)	/* they wait for one */
	bool sink_failed;	/* DATACONN_SINK_FAILED is still to be told */
	int sink_errno;

	bool end_of_file;	/* nothing more can be read */
	bool fin_seen;		/* the peer's FIN or reset is in the kernel */
	bool shutdown_seen;
	bool write_failed;	/* nothing more can be written */
	bool closing;		/* dataconn_close() has its own limits */
	bool stopping;		/* SIGTERM came once, while there was work */
	bool lost;
	struct error error;	/* why, where lost */
};

/*
 * Makes both descriptors non-blocking.  The request of a client is queued
 * with dataconn_request().  rate is copied.  Heartbeats alone keep no client: its
 * request has to come within DATACONN_REQUEST_MS, something of its stream every
 * conn->stream_ms, which the caller may change.
 */
int	dataconn_init(struct dataconn *conn, const struct chain *chain,
	    enum exchange_role role, enum method_kind method,
	    const struct rate *rate, struct error *error);

/* Queue messages; they are written by dataconn_wait(). */
int	dataconn_request(struct dataconn *conn, const char *path,
	    const void *message, size_t length, struct error *error);
int	dataconn_response(struct dataconn *conn, const void *message,
	    size_t length, struct error *error);
int	dataconn_refuse(struct dataconn *conn, const char *text,
	    struct error *error);

/*
 * Begin the outgoing stream; first (length bytes, at most FRAME_PAYLOAD_MAX)
 * was read from fd before.  fd stays the caller's to close, and is forgotten
 * at its end of file.  Once per connection.
 */
int	dataconn_source(struct dataconn *conn, int fd, const void *first,
	    size_t length, struct error *error);

/*
 * After the source's end: the stream was whole (failure is NULL) and ends
 * with End, or failed and ends with that text.
 */
int	dataconn_source_finish(struct dataconn *conn, const char *failure,
	    struct error *error);

/* NULL, or what the peer has failed to do in its time. */
const char *dataconn_failure(const struct dataconn *conn, int64_t now);

/* True once everything queued has been handed to the kernel. */
bool	dataconn_flushed(const struct dataconn *conn);

/* Hand to the kernel what it takes of that now; never blocks. */
void	dataconn_flush(struct dataconn *conn, int64_t now);

/* The next thing the peer said or that happened; never blocks. */
enum dataconn_event dataconn_next(struct dataconn *conn, struct error *error);

/*
 * Sleep until something can move, move it, and return.  extra (count at most
 * DATACONN_EXTRA_MAX) are entries of the caller, polled too; until is the
 * caller's own deadline.
 */
#define DATACONN_EXTRA_MAX 4
void	dataconn_wait(struct dataconn *conn, struct pollfd *extra, size_t count,
	    int64_t until);

/*
 * Has SIGTERM come, where the caller catches it, and is to end us now?  Where
 * there is work that may finish, only the second one is.
 */
bool	dataconn_terminated(struct dataconn *conn, bool work);

/*
 * Say Shutdown, half-close, and drop what still comes until the peer's
 * Shutdown or end of file, or the second SIGTERM.  A client that has been sent a
 * stream may read its end in its own time: it has DATACONN_DRAIN_MS after each
 * sign that it does so (a heartbeat, or bytes that its kernel took), but no more
 * than conn->stream_ms of heartbeats alone.  Any other peer has DATACONN_DRAIN_MS
 * in all, more only where it takes what waits at a pace (pace.h).  The write
 * descriptor is closed where it is not the read descriptor.
 */
void	dataconn_close(struct dataconn *conn);

void	dataconn_free(struct dataconn *conn);

/*
 * -S: the statistics as one JSON object in a file ("-" for standard error).
 * result is the exit code.
 */
int	dataconn_write_statistics(const struct dataconn *conn, const char *path,
	    int result, struct error *error);

#endif
