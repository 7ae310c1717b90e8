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
 * One data connection's I/O, the same for both roles: it moves bytes between the network,
 * a source (the descriptor a ZFS stream is read from) and a sink (the one it is written
 * to), keeps the peer informed and watched, and reports what the peer says as events.
 * zr-dataconn's client (dataconn_client.h) and server (dataconn_server.h) decide what to
 * do about them.
 *
 *	while not done
 *		while (event = dataconn_next()) is not DATACONN_WAIT
 *			...
 *		dataconn_wait()
 *	dataconn_close()
 *
 * In each direction a chunk of the stream costs one read and one write, in one buffer
 * that is reused; no more of the stream than that buffer is ever held.
 */
#define DATACONN_PIPE		(512u << 10)	/* bytes that source and sink hold, if pipes */
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
 * Makes both descriptors, which stay the caller's, non-blocking.  method is for a client.
 * rate is copied.  A client that only sends heartbeats is given up: its request must
 * arrive within DATACONN_REQUEST_MS, and bytes of its stream every DATACONN_STREAM_MS.
 * NULL and *error on failure.
 */
struct dataconn *dataconn_new(const struct chain *chain, enum exchange_role role,
	    enum method_kind method, const struct rate *rate,
	    struct error *error);

/* Instead of DATACONN_STREAM_MS. */
void	dataconn_limit_stream(struct dataconn *conn, int64_t stream_ms);

/*
 * Both sides have agreed to compress (zr-protocol(7), Compressed frames): do so with the
 * outgoing stream, where it pays, and inflate the incoming one.  -1 and *error if libzstd
 * cannot be loaded.
 */
int	dataconn_compress(struct dataconn *conn, struct error *error);

/*
 * Queue a message; dataconn_wait() writes it.  text is cut to the length that a header
 * may have.  A refusal is not sent once the peer has said Shutdown.
 */
int	dataconn_request(struct dataconn *conn, const char *path,
	    const void *message, size_t length, struct error *error);
int	dataconn_response(struct dataconn *conn, const void *message,
	    size_t length, struct error *error);
int	dataconn_refuse(struct dataconn *conn, const char *text,
	    struct error *error);

/*
 * To be asked after the event in question: the path of the peer's request; the message of
 * its request or response, which the caller may free before the connection; the text of a
 * refusal or of a failed stream (NUL-terminated UTF-8).
 */
const struct buffer *dataconn_path(const struct dataconn *conn);
struct buffer *dataconn_message(struct dataconn *conn);
const char *dataconn_text(struct dataconn *conn);

/*
 * Begin the outgoing stream, once per connection.  It is read from fd until end of file;
 * the caller closes fd.
 */
int	dataconn_source(struct dataconn *conn, int fd, struct error *error);

/*
 * After the source's end: finish the stream with End if it was whole (failure is NULL),
 * otherwise with the text of the failure.
 */
int	dataconn_source_finish(struct dataconn *conn, const char *failure,
	    struct error *error);

/* Is the source still being read? */
bool	dataconn_has_source(const struct dataconn *conn);

/*
 * Write the incoming stream to fd, which the caller closes; -1, as in the beginning: drop
 * the stream.  dataconn_sink_later() keeps the stream waiting for a sink.
 */
void	dataconn_sink(struct dataconn *conn, int fd);
void	dataconn_sink_later(struct dataconn *conn);

/* Forget the source, and drop the rest of the incoming stream. */
void	dataconn_drop_streams(struct dataconn *conn);

/* Bytes of the stream that have come, from source or network; not compressed. */
uint64_t dataconn_bytes(const struct dataconn *conn);

/*
 * For a limit on the caller's side: the bytes that our source has given or our sink has
 * taken (0 while there is neither), and whether they wait for the peer.
 */
uint64_t dataconn_moved(const struct dataconn *conn);
bool	dataconn_waits_for_peer(const struct dataconn *conn);

/*
 * After DATACONN_LOST: the peer has closed the connection and had said nothing.  A client
 * may have opened it for a request that never came (zr-endpoint-interface(7)).
 */
bool	dataconn_left_unused(const struct dataconn *conn);

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
 * Say Shutdown, half-close, and drop all input until the peer's Shutdown or end of file,
 * or SIGINT if the caller catches it.  A client that has been sent a stream may read its
 * end in its own time: it has DATACONN_DRAIN_MS after each sign that it does so (a
 * heartbeat, or bytes that its kernel took), but with heartbeats alone no more than the
 * limit on its stream.  Any other peer has DATACONN_DRAIN_MS in all, and longer only
 * while it takes the waiting bytes at the pace of pace.h.  The write descriptor is closed
 * if it is not the read descriptor.
 */
void	dataconn_close(struct dataconn *conn);

void	dataconn_free(struct dataconn *conn);

/*
 * -S: the statistics as one JSON object in a file ("-" for standard error).  result is the
 * exit code.  A client's begin with its request, which may come late.  A connection that
 * had none has no statistics, and the file is left alone.
 */
void	dataconn_begin_statistics(struct dataconn *conn);
int	dataconn_write_statistics(const struct dataconn *conn, const char *path,
	    int result, struct error *error);

#endif
