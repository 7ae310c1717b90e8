#ifndef ZR_SERVER_RUN_H
#define ZR_SERVER_RUN_H

#include "dataconn/dataconn_server.h"
#include "endpoint/call.h"

/*
 * One request of dataconn_server.h: its state, and everything that concerns its endpoint.
 * dataconn_server.c, which uses this, listens to the client and watches the clock.
 *
 *	Ping	AWAIT_REQUEST, RUNNING, DONE
 *	Send	AWAIT_REQUEST, RUNNING, with the answer STREAMING, DONE
 *	Receive	AWAIT_REQUEST, STREAMING, with the stream's end RUNNING, DONE;
 *		or, if the answer comes before that end, DRAINING, DONE
 */
enum server_phase {
	AWAIT_REQUEST,
	RUNNING,	/* the endpoint runs, or is being ended */
	STREAMING,	/* the same, and there is a stream */
	DRAINING,	/* no endpoint; the rest of the stream is dropped */
	DONE
};

struct server_run {
	struct dataconn *conn;
	const struct dataconn_server *server;
	struct error *error;
	const struct method *method;
	struct call call;
	enum server_phase phase;
	int verdict;		/* Receive: our end of its ZR_VERDICT */
	bool responded;		/* the response, of either kind, is queued */
	bool gone;		/* nothing can be heard from the client any more */
	bool failed;		/* *error is set */
	uint64_t moved;		/* for timeout_ms: the last count, */
	int64_t moved_at;	/* and the time of its last change */
};

/* Set *error, unless something failed before. */
void	server_run_fail(struct server_run *run, enum exit_code code,
	    const char *text);

/* The same; also answer with it, unless there was an answer or the client is gone. */
void	server_run_refuse(struct server_run *run, enum exit_code code,
	    const char *text);

/* Drop the streams and end the endpoint; without one the run is DONE. */
void	server_run_end(struct server_run *run);

/* Is there an endpoint that server_run_conclude() has not been called for? */
bool	server_run_active(const struct server_run *run);

/* Receive: the stream has ended, and the endpoint's input is closed. */
bool	server_run_stored(const struct server_run *run);

/* Pass on what has arrived of the answer, after which the stream of Send may begin. */
void	server_run_answer(struct server_run *run);

/*
 * The endpoint has ended and everything it wrote has been read: its exit
 * status is the last word.
 */
void	server_run_conclude(struct server_run *run);

#endif
