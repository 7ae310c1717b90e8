#ifndef ZR_RPC_CALLER_H
#define ZR_RPC_CALLER_H

#include <stdio.h>

#include "rpc/rpc_client.h"
#include "rpc/rpc_network.h"

/*
 * Calls on an open control connection: zr-rpc METHOD and zr-rpc batch.
 */
#define RPC_BATCH_IN_FLIGHT	256
#define RPC_SENT_MAX		(4u << 20)	/* a zrepl peer takes no more */

struct rpc_caller {
	struct rpc_network network;
	struct rpc_client client;
	int64_t timeout_ms;		/* for each call; 0: none */
};

int	rpc_caller_open(struct rpc_caller *caller, const struct chain *chain,
	    size_t answer_max, int64_t timeout_ms, struct error *error);

/* GOAWAY, half-close, release everything. */
void	rpc_caller_close(struct rpc_caller *caller);

/* Begin a call whose request is JSON text; NULL on error. */
struct rpc_request *rpc_caller_begin(struct rpc_caller *caller,
	    const struct method *method, const char *text, size_t length,
	    void *context, struct error *error);

/*
 * Sleep until the network or one of the caller's entries is ready, then read and write.
 * -1: the connection is over and all calls with it; also if the server goes away and has
 * no more call of ours.
 */
int	rpc_caller_turn(struct rpc_caller *caller, struct pollfd *extra,
	    size_t extra_count, struct error *error);

/*
 * The answer of a call that has succeeded, as a line of JSON without newline, to be
 * free(3)d.  NULL (EXIT_PROTOCOL) if it is malformed, or an answer that nobody should
 * send (request_check.h).
 */
char	*rpc_caller_answer(const struct rpc_request *request, size_t *length,
	    struct error *error);

/*
 * One call: its answer as a line of JSON without newline, to be free(3)d.  NULL on error:
 * EXIT_FAILED with "STATUS: text" if the peer answered with a status.
 */
char	*rpc_caller_unary(struct rpc_caller *caller, const struct method *method,
	    const char *text, size_t length, struct error *error);

/*
 * The batch form of the endpoint interface (zr-endpoint-interface(7)) from
 * the descriptor input to output, until end of file and the last answer.
 */
int	rpc_batch(struct rpc_caller *caller, int input, int output,
	    struct error *error);

#endif
