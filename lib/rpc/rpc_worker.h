#ifndef ZR_RPC_WORKER_H
#define ZR_RPC_WORKER_H

#include <poll.h>
#include <sys/queue.h>

#include "base/lines.h"
#include "endpoint/endpoint.h"
#include "rpc/rpc_server.h"

/*
 * One long-lived endpoint process that serves all calls of a connection:
 * ENDPOINT batch (zr-endpoint-interface(7)).
 */
#define RPC_WORKER_ENTRIES 3

struct rpc_worker_call {
	TAILQ_ENTRY(rpc_worker_call) entries;
	char id[24];
	struct rpc_call *call;	/* NULL: nobody waits for it any more */
	int64_t deadline;	/* of the call; after a cancel, for its end */
};

TAILQ_HEAD(rpc_worker_calls, rpc_worker_call);

struct rpc_worker {
	struct endpoint endpoint;	/* process.pid is -1: none runs */
	struct buffer requests;		/* lines, the unwritten rest */
	struct lines answers;
	struct rpc_worker_calls calls;
	size_t count;			/* of them */
	unsigned long long last_id;
	bool retired;			/* gets no more calls */
	struct error broken;		/* why it was ended; code EXIT_DONE: it was not */
};

/* Start "argv... batch". */
int	rpc_worker_start(struct rpc_worker *worker, char *const argv[],
	    struct error *error);

/* Give it a call; timeout_ms: its limit, 0: none.  -1 if the request is invalid. */
int	rpc_worker_add(struct rpc_worker *worker, struct rpc_call *call,
	    int64_t timeout_ms, struct error *error);

/* The client has given a call up.  False if the worker does not have it. */
bool	rpc_worker_cancel(struct rpc_worker *worker, const struct rpc_call *call);

/* The events and the deadline to wait for. */
void	rpc_worker_poll(struct rpc_worker *worker,
	    struct pollfd entries[RPC_WORKER_ENTRIES]);
int64_t	rpc_worker_deadline(const struct rpc_worker *worker);

/*
 * Read and write, and pass on answers.  A worker that violates the interface, or does not
 * end a cancelled call, gets no more calls and is ended when it has no other.
 */
void	rpc_worker_handle(struct rpc_worker *worker, struct rpc_server *server,
	    const struct pollfd entries[RPC_WORKER_ENTRIES], int64_t now);

bool	rpc_worker_has_ended(const struct rpc_worker *worker);

/*
 * Every call that it had fails with its last words, or with the reason why it was ended.
 */
void	rpc_worker_fail_calls(struct rpc_worker *worker, struct rpc_server *server);

/* The connection is over: nobody waits for its calls. */
void	rpc_worker_leave_calls(struct rpc_worker *worker);

/* SIGTERM, no more input; by rpc_worker_handle() SIGKILL. */
void	rpc_worker_end(struct rpc_worker *worker, int64_t now);
void	rpc_worker_free(struct rpc_worker *worker);

#endif
