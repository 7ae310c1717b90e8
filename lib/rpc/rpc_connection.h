#ifndef ZR_RPC_CONNECTION_H
#define ZR_RPC_CONNECTION_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/pace.h"
#include "rpc/grpc_message.h"

/*
 * What the client's and the server's HTTP/2 session have in common (zr-protocol(7),
 * Control connection): bytes in and out of libnghttp2, keepalive, and limits on the work
 * that a peer can cause.  Pure: the clock is the caller's, in milliseconds.
 */
#define RPC_SERVER_IDLE_MS	5000	/* without a byte: a PING is sent */
#define RPC_CLIENT_IDLE_MS	10000
#define RPC_DEAD_MS		10000	/* after that: the connection is dead */
#define RPC_STALLED_MS		60000	/* for the peer to take our bytes: pace.h */
#define RPC_PING_MS		2500	/* between two PINGs of a client, */
#define RPC_PING_STRIKES	2	/* except this many times */
#define RPC_FLOOD_MS		10000	/* in this time a peer may cause no more than */
#define RPC_RESETS_MAX		1000	/* streams that the peer gave up, */
#define RPC_CONTROL_MAX		5000	/* SETTINGS and PINGs, */
#define RPC_EMPTY_MAX		1000	/* frames without payload */
#define RPC_QUEUE_MAX		1000	/* outgoing frames that a client does not read */

struct rpc_connection {
	nghttp2_session *session;
	bool server;
	struct buffer output;
	int64_t heard;			/* when the last byte came */
	struct pace pace;		/* of the peer that takes our output */
	int64_t pinged;			/* our unanswered PING, INT64_MAX: none */
	int64_t now;			/* of the current call of ours */
	int64_t flood_from;		/* the peer's floods are counted from here */
	unsigned resets, controls, empties;
	int64_t last_ping;		/* the peer's */
	unsigned strikes;
	size_t messages_max;		/* bytes of all messages together, */
	size_t message_bytes;		/* and those that have arrived */
	bool left;			/* the peer said goodbye: send nothing more */
	bool broken;			/* reason says why; GOAWAY has the rest */
	struct error reason;
};

/* A header to be submitted; the caller keeps both texts. */
nghttp2_nv	rpc_header(const char *name, const char *value);

/* For a read_callback: move as much of output as fits. */
size_t	rpc_take_output(struct buffer *output, uint8_t *bytes, size_t size);

/*
 * The session.  The caller sets the callbacks for what it wants to know; their
 * user data is the connection, which is the first member of the caller's
 * struct.  Those for sent and for invalid frames are the connection's own.
 */
int	rpc_connection_init(struct rpc_connection *connection, bool server,
	    size_t messages_max, nghttp2_session_callbacks *callbacks,
	    int64_t now, struct error *error);
void	rpc_connection_free(struct rpc_connection *connection);

/* Call this first in on_frame_recv, for every frame. */
void	rpc_connection_received(struct rpc_connection *connection,
	    const nghttp2_frame *frame);

/* The peer asks too much: send GOAWAY with this code and nothing after it. */
void	rpc_connection_break(struct rpc_connection *connection,
	    uint32_t http2_code, const char *text);

/*
 * GOAWAY (NO_ERROR) with a text, past libnghttp2: the session goes on, and
 * takes new streams until it says more.  It comes before what is submitted
 * later.
 */
void	rpc_connection_goaway(struct rpc_connection *connection,
	    uint32_t last_stream_id, const char *text);

/*
 * Append to the message that arrives on this stream: as grpc_message_append(), but with
 * no more than messages_max bytes of all messages together.  A message that is longer
 * than HTTP/2's initial window gets a window of its own at once.
 */
enum grpc_status rpc_connection_append(struct rpc_connection *connection,
	    int32_t stream_id, struct grpc_message *message,
	    const uint8_t *bytes, size_t size, struct error *error);

/* Free such a message. */
void	rpc_connection_drop(struct rpc_connection *connection,
	    struct grpc_message *message);

/*
 * Bytes from the network, after the output that the last ones caused was written as far
 * as possible.  -1: the connection is over, *error says why.
 */
int	rpc_connection_read(struct rpc_connection *connection,
	    const uint8_t *bytes, size_t size, int64_t now, struct error *error);

/* Bytes for the network; then tell how many of them it took. */
const uint8_t *rpc_connection_output(struct rpc_connection *connection,
	    size_t *length);
void	rpc_connection_wrote(struct rpc_connection *connection, size_t length,
	    int64_t now);

/*
 * Keepalive: send a PING if one is due; -1 (EXIT_TIMEOUT) if the peer is dead.  And the
 * time of the next call.
 */
int	rpc_connection_tick(struct rpc_connection *connection, int64_t now,
	    struct error *error);
int64_t	rpc_connection_deadline(const struct rpc_connection *connection);

#endif
