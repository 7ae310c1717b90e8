#ifndef ZR_DATACONN_H
#define ZR_DATACONN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/rate.h"
#include "dataconn/exchange.h"
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
 *	dataconn_close()
 *
 * The data path is one read and one write for each chunk in one reused
 * buffer, each way; nothing is ever held but that buffer.
 */
#define DATACONN_CHUNK		(128u << 10)	/* bytes per read */
#define DATACONN_REQUEST_MS	30000		/* for a client's request to come */
#define DATACONN_STREAM_MS	3600000		/* for some of its stream, unless told */
#define DATACONN_DRAIN_MS	10000		/* from our Shutdown to giving up */
#define DATACONN_LOST_DRAIN_MS	2000		/* the same after a protocol error */

struct dataconn;

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

/*
 * Makes both descriptors, which stay the caller's, non-blocking.  method is for a
 * client.  rate is copied.  Heartbeats alone keep no client: its request has to
 * come within DATACONN_REQUEST_MS, something of its stream every
 * DATACONN_STREAM_MS.  NULL and *error on failure.
 */
struct dataconn *dataconn_new(const struct chain *chain, enum exchange_role role,
	    enum method_kind method, const struct rate *rate,
	    struct error *error);

/* Instead of DATACONN_STREAM_MS. */
void	dataconn_limit_stream(struct dataconn *conn, int64_t stream_ms);

/*
 * Queue a message; dataconn_wait() writes it.  text is cut to what a header may
 * hold.  A refusal is left out once the peer has said Shutdown.
 */
int	dataconn_request(struct dataconn *conn, const char *path,
	    const void *message, size_t length, struct error *error);
int	dataconn_response(struct dataconn *conn, const void *message,
	    size_t length, struct error *error);
int	dataconn_refuse(struct dataconn *conn, const char *text,
	    struct error *error);

/*
 * What the peer said, after the event that says so: the path of its request, the
 * message of its request or response, which the caller may free before the
 * connection, and the text of a refusal or of a failed stream (NUL-terminated
 * UTF-8).
 */
const struct buffer *dataconn_path(const struct dataconn *conn);
struct buffer *dataconn_message(struct dataconn *conn);
const char *dataconn_text(struct dataconn *conn);

/*
 * Begin the outgoing stream, read from fd, which stays the caller's to close and is
 * forgotten at its end of file.  Once per connection.
 */
int	dataconn_source(struct dataconn *conn, int fd, struct error *error);

/*
 * After the source's end: the stream was whole (failure is NULL) and ends
 * with End, or failed and ends with that text.
 */
int	dataconn_source_finish(struct dataconn *conn, const char *failure,
	    struct error *error);

/* Is the source still being read, its end not having come? */
bool	dataconn_has_source(const struct dataconn *conn);

/*
 * Write the incoming stream to fd, which stays the caller's to close, or (-1, as
 * in the beginning) drop it.  dataconn_sink_later() lets it wait for a sink.
 */
void	dataconn_sink(struct dataconn *conn, int fd);
void	dataconn_sink_later(struct dataconn *conn);

/* Forget the source, and drop what still comes of the incoming stream. */
void	dataconn_drop_streams(struct dataconn *conn);

/* Bytes of the stream that have come, from source or network. */
uint64_t dataconn_bytes(const struct dataconn *conn);

/*
 * For a limit on the caller's side: how many bytes our source has given or our
 * sink has taken (0 while there is neither), and is it the peer that they wait
 * for?
 */
uint64_t dataconn_moved(const struct dataconn *conn);
bool	dataconn_waits_for_peer(const struct dataconn *conn);

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
 * Say Shutdown, half-close, and drop what still comes until the peer's Shutdown
 * or end of file, or SIGINT where the caller catches it.  A client that has been
 * sent a stream may read its end in its own time: it has DATACONN_DRAIN_MS after
 * each sign that it does so (a heartbeat, or bytes that its kernel took), but with
 * heartbeats alone no more than the limit on its stream.  Any other peer has
 * DATACONN_DRAIN_MS in all, more only where it takes what waits at a pace
 * (pace.h).  The write descriptor is closed where it is not the read descriptor.
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
