#ifndef ZR_RPC_NETWORK_H
#define ZR_RPC_NETWORK_H

#include <poll.h>

#include "rpc/rpc_connection.h"
#include "transport/chain.h"

/*
 * The descriptors of an HTTP/2 session (rpc_connection.h): all reads and writes of a
 * control connection are here.
 */
#define RPC_NETWORK_ENTRIES 2

struct rpc_network {
	struct chain chain;
	bool was_blocking;
	bool unread;		/* the peer has closed its side */
};

/* Non-blocking from here on. */
int	rpc_network_open(struct rpc_network *network, const struct chain *chain,
	    struct error *error);

/* The events to wait for; asks the session for its output first. */
void	rpc_network_poll(const struct rpc_network *network,
	    struct rpc_connection *connection,
	    struct pollfd entries[RPC_NETWORK_ENTRIES]);

/*
 * Read once.  The number of bytes, at most size; 0: none now; -1: end of file
 * (network->unread is set) or an error (it is not).
 */
ssize_t	rpc_network_read(struct rpc_network *network,
	    const struct pollfd entries[RPC_NETWORK_ENTRIES], void *bytes,
	    size_t size, struct error *error);

/* Write as much of the session's output as the descriptor takes. */
int	rpc_network_write(struct rpc_network *network,
	    struct rpc_connection *connection, int64_t now, struct error *error);

/*
 * Write the rest, as long as the peer takes it at a pace (pace.h, windows of
 * patience_ms); half-close, and block as before.
 */
void	rpc_network_close(struct rpc_network *network,
	    struct rpc_connection *connection, int64_t patience_ms);

/*
 * After that, if an answer may be on its way: read and drop until the peer's kernel has
 * all of it, or falls behind that pace.  If we left with unread bytes, the connection
 * would be reset and the undelivered rest lost.
 */
void	rpc_network_drain(struct rpc_network *network, int64_t patience_ms);

#endif
