#ifndef ZR_RPC_SERVE_H
#define ZR_RPC_SERVE_H

#include "transport/chain.h"

/*
 * One control connection as its server: zr-rpc serve.  Each call runs the endpoint
 * command (call.h), or all of them share one process of it
 * (rpc_worker.h).
 */
#define RPC_SERVE_CALLS		16	/* at once, unless told */
#define RPC_SERVE_CALLS_MAX	200

struct rpc_serve {
	char *const *endpoint;	/* NULL-terminated */
	size_t calls;		/* at once, 1..RPC_SERVE_CALLS_MAX */
	int64_t timeout_ms;	/* of one call; 0: none */
	bool batch;		/* one process, which knows the method batch */
};

/*
 * Serve until the connection ends.  After SIGTERM no more calls are taken, and the
 * running ones are answered; SIGINT ends them, with EXIT_SIGNAL + SIGINT in *error.  0 if
 * the connection ended in order; otherwise -1 and *error.  No endpoint is left running.
 */
int	rpc_serve_run(const struct rpc_serve *serve, const struct chain *chain,
	    struct error *error);

#endif
