#ifndef ZR_RPC_CLIENT_H
#define ZR_RPC_CLIENT_H

#include <sys/queue.h>

#include "message/method.h"
#include "rpc/rpc_answer.h"
#include "rpc/rpc_connection.h"

/*
 * The client's side of a control connection (zr-protocol(7), Control connection):
 * any number of unary calls at once.  Pure: bytes and `now` in, bytes, a
 * deadline and finished calls out.  Headers are those of zrepl 0.7.0.
 */
#define RPC_ANSWERS_HELD 4

struct rpc_request {
	TAILQ_ENTRY(rpc_request) entries;
	const struct method *method;
	int32_t stream_id;
	int64_t deadline;		/* INT64_MAX: none */
	struct buffer output;		/* the unsent rest of prefix and message */
	struct rpc_answer answer;

	/* When it has finished: */
	bool finished;
	enum grpc_status status;	/* GRPC_OK: the answer is in message */
	struct error error;		/* otherwise; code is for our exit */
	struct grpc_message message;
	void *context;			/* the caller's */
};

TAILQ_HEAD(rpc_requests, rpc_request);

struct rpc_client {
	struct rpc_connection connection;
	struct rpc_requests open, finished;
	size_t open_count;
	size_t answer_max;
	size_t held;			/* of them without a WINDOW_UPDATE */
	bool paused;
	bool going_away;		/* the server wants no more calls */
	char why[128];			/* what its GOAWAY said */
};

/*
 * answer_max: the longest message that is accepted, in bytes.  All messages together may
 * have RPC_ANSWERS_HELD times as many; beyond that a call fails.
 */
int	rpc_client_init(struct rpc_client *client, size_t answer_max, int64_t now,
	    struct error *error);
void	rpc_client_free(struct rpc_client *client);

/*
 * Begin a call; message is copied.  The result belongs to the client until
 * rpc_client_next() returns it.  NULL if no more calls can be begun.
 */
struct rpc_request *rpc_client_call(struct rpc_client *client,
	    const struct method *method, const void *message, size_t length,
	    int64_t deadline, void *context, struct error *error);

/* End a call before it is answered: it finishes with this status. */
void	rpc_client_cancel(struct rpc_client *client, struct rpc_request *request,
	    enum grpc_status status, const char *text);

/* A call that has finished, for the caller to free; NULL: none. */
struct rpc_request *rpc_client_next(struct rpc_client *client);
void	rpc_request_free(struct rpc_request *request);

/*
 * While paused the server may send no more than the connection's window, and
 * the connection lives on.
 */
void	rpc_client_pause(struct rpc_client *client, bool paused);

/* Deadlines; -1: the connection is over, and every call with it. */
int	rpc_client_tick(struct rpc_client *client, int64_t now, struct error *error);
int64_t	rpc_client_deadline(const struct rpc_client *client);

/* Is the server going away, and have all its answers come? */
bool	rpc_client_left_alone(const struct rpc_client *client);

/*
 * No more calls: say GOAWAY, as zrepl's client does, unless the server has said so first.
 */
void	rpc_client_close(struct rpc_client *client);

#endif
