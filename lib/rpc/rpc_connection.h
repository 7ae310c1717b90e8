#ifndef ZR_RPC_CONNECTION_H
#define ZR_RPC_CONNECTION_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/pace.h"

/*
 * What the client's and the server's HTTP/2 session have in common
 * (zr-protocol(7), Control connection): bytes in and out of libnghttp2, keepalive, and limits
 * on what a peer can make us do.  Pure: the clock is the caller's, in
 * milliseconds.
 */
#define RPC_SERVER_IDLE_MS	5000	/* a PING after so long without a byte */
#define RPC_CLIENT_IDLE_MS	10000
#define RPC_DEAD_MS		10000	/* and its end so long after that */
#define RPC_STALLED_MS		60000	/* what waits for the peer: its pace.h window */
#define RPC_PING_MS		2500	/* a client's PINGs come no closer, */
#define RPC_PING_STRIKES	2	/* except so often */
#define RPC_FLOOD_MS		10000	/* in so long no more than */
#define RPC_RESETS_MAX		1000	/* streams that the peer gave up, */
#define RPC_CONTROL_MAX		5000	/* SETTINGS and PINGs, */
#define RPC_EMPTY_MAX		1000	/* frames without payload */
#define RPC_QUEUE_MAX		1000	/* frames left over that a client does not read */
#define RPC_MESSAGE_WINDOW	65535	/* bytes: HTTP/2's initial window */

struct rpc_connection {
	nghttp2_session *session;
	bool server;
	struct buffer output;
	int64_t heard;			/* when the last byte came */
	struct pace pace;		/* of the peer that takes our output */
	int64_t pinged;			/* our PING that waits, INT64_MAX: none */
	int64_t now;			/* of the call that we are in */
	int64_t flood_from;		/* the peer's floods are counted from here */
	unsigned resets, controls, empties;
	int64_t last_ping;		/* the peer's */
	unsigned strikes;
	bool left;			/* the peer said goodbye, see below */
	bool broken;			/* reason says why; GOAWAY has the rest */
	struct error reason;
};

/* A header to be submitted; both texts stay the caller's. */
nghttp2_nv	rpc_header(const char *name, const char *value);

/* The session: callbacks of the caller's with its own user data. */
int	rpc_connection_init(struct rpc_connection *connection, bool server,
	    nghttp2_session_callbacks *callbacks, void *user_data, int64_t now,
	    struct error *error);
void	rpc_connection_free(struct rpc_connection *connection);

/*
 * Every frame that came, first thing in on_frame_recv; and every one that
 * went, in on_frame_send.
 */
void	rpc_connection_received(struct rpc_connection *connection,
	    const nghttp2_frame *frame);
void	rpc_connection_sent(struct rpc_connection *connection,
	    const nghttp2_frame *frame);

/*
 * For on_invalid_frame_recv.  grpc-go's client says goodbye with the number
 * of its own last stream in GOAWAY, where HTTP/2 wants one of the server's:
 * to libnghttp2 that is the end of the session.  It is the end anyway; left
 * is set, and nothing more is sent.
 */
void	rpc_connection_invalid(struct rpc_connection *connection,
	    const nghttp2_frame *frame);

/* We were asked too much: GOAWAY with this code, and nothing any more. */
void	rpc_connection_break(struct rpc_connection *connection,
	    uint32_t http2_code, const char *text);

/*
 * GOAWAY (NO_ERROR) with a text, past libnghttp2: the session goes on, and
 * takes new streams until it says more.  It comes before what is submitted
 * later.
 */
void	rpc_connection_goaway(struct rpc_connection *connection,
	    uint32_t last_stream_id, const char *text);

/* A long message begins on this stream: make room for it at once. */
void	rpc_connection_widen(struct rpc_connection *connection,
	    int32_t stream_id, size_t length);

/*
 * Bytes from the network, once it took what it could of the last ones'
 * output.  -1: the connection is over, *error says why.
 */
int	rpc_connection_read(struct rpc_connection *connection,
	    const uint8_t *bytes, size_t size, int64_t now, struct error *error);

/* Bytes for the network, and how many of them it took. */
const uint8_t *rpc_connection_output(struct rpc_connection *connection,
	    size_t *length);
void	rpc_connection_wrote(struct rpc_connection *connection, size_t length,
	    int64_t now);

/*
 * Keepalive: sends what is due; -1 (EXIT_TIMEOUT) where the peer is dead.
 * And when to call it next.
 */
int	rpc_connection_tick(struct rpc_connection *connection, int64_t now,
	    struct error *error);
int64_t	rpc_connection_deadline(const struct rpc_connection *connection);

#endif
