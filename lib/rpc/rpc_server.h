#ifndef ZR_RPC_SERVER_H
#define ZR_RPC_SERVER_H

#include <sys/queue.h>

#include "message/method.h"
#include "rpc/grpc_message.h"
#include "rpc/rpc_connection.h"
#include "rpc/rpc_headers.h"

/*
 * The server's side of a control connection (zr-protocol(7), Control connection).  Pure:
 * bytes and `now` in; bytes, a deadline and calls out.  Invalid requests are answered
 * here; the caller sees only valid calls.
 */
#define RPC_REQUEST_MAX		(4u << 20)	/* bytes of one message */
#define RPC_REQUESTS_MAX	(16u << 20)	/* of all unanswered ones together */
#define RPC_STREAMS_MAX		256		/* open at once; more are refused */
#define RPC_REQUEST_MS		300000		/* from a call's headers to its end */

enum rpc_call_state {
	RPC_CALL_READING,
	RPC_CALL_READY,
	RPC_CALL_RUNNING,
	RPC_CALL_ANSWERED,
	RPC_CALL_CANCELLED	/* while it was running */
};

struct rpc_call {
	TAILQ_ENTRY(rpc_call) entries;
	int32_t stream_id;
	struct rpc_headers headers;
	struct grpc_message message;	/* the request */
	int64_t begun;			/* when its headers came, ms */
	struct buffer output;		/* the unsent rest of the answer */
	enum rpc_call_state state;

	/* For the caller, who answers it: */
	const struct method *method;
	int64_t deadline;		/* INT64_MAX: none */
};

TAILQ_HEAD(rpc_calls, rpc_call);

struct rpc_server {
	struct rpc_connection connection;
	struct rpc_calls calls[RPC_CALL_CANCELLED + 1];	/* by their state */
	size_t streams;			/* open */
	size_t answer_bytes;		/* that wait for the client */
	struct pace answers;		/* of the client that takes them */
	enum {
		RPC_SERVING, RPC_STOP_ANNOUNCED, RPC_STOPPING
	} state;
	int64_t stop_by;		/* from announced to stopping */
};

int	rpc_server_init(struct rpc_server *server, int64_t now,
	    struct error *error);
void	rpc_server_free(struct rpc_server *server);

/* A call to be answered, or NULL. */
struct rpc_call *rpc_server_next(struct rpc_server *server);

/*
 * A call that rpc_server_next() returned and whose client has given it up; the caller
 * ends its work and frees it with rpc_server_forget().  NULL: none.
 */
struct rpc_call *rpc_server_next_cancelled(struct rpc_server *server);
void	rpc_server_forget(struct rpc_server *server, struct rpc_call *call);

/* The answer, copied, or the error.  The call is the server's again. */
void	rpc_server_answer(struct rpc_server *server, struct rpc_call *call,
	    const void *message, size_t length);
void	rpc_server_refuse(struct rpc_server *server, struct rpc_call *call,
	    enum grpc_status status, const char *text);

/* As for the client. */
int	rpc_server_tick(struct rpc_server *server, int64_t now, struct error *error);
int64_t	rpc_server_deadline(const struct rpc_server *server);

/*
 * Take no more calls: send GOAWAY twice, the second when a PING behind the first is
 * answered or its time is up.
 */
void	rpc_server_stop(struct rpc_server *server);

/* Has it stopped, with every call answered? */
bool	rpc_server_done(const struct rpc_server *server);

#endif
