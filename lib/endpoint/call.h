#ifndef ZR_CALL_H
#define ZR_CALL_H

#include <poll.h>

#include "base/buffer.h"
#include "endpoint/endpoint.h"
#include "endpoint/outcome.h"
#include "message/method.h"

/*
 * One call at an endpoint process (zr-endpoint-interface(7)): the request line in, the
 * answer line out, standard error, and the exit status, which decides.  Nothing here
 * blocks, so that any number of calls can share a poll loop with other descriptors.
 *
 * The stream of Send and Receive is the caller's: it takes over process.output when
 * call_line() has returned Send's line, and process.input when Receive's request is
 * completely written.
 */
#define CALL_ENTRIES 3		/* entries that call_poll() fills in */

struct call {
	enum method_kind kind;
	struct endpoint endpoint;
	struct buffer request;	/* the unwritten rest of the line */
	struct buffer answer;
	size_t line_size;	/* Send: of its line with the newline; 0: not complete */
	bool too_long;
	bool unread;		/* nobody was there to read the request's end */
};

#define CALL_NONE(what) ((struct call){ .kind = (what), .endpoint = ENDPOINT_NONE, \
	.answer = BUFFER_EMPTY((what) == METHOD_SEND ? METHOD_SEND_ANSWER_MAX : \
	METHOD_ANSWER_MAX) })

/*
 * Start "argv... method" for a CALL_NONE; length bytes of request (copied) and a newline
 * are its standard input.  A caller that starts the process itself sets
 * call.endpoint.process instead, whose descriptors may be -1.  If the process reads the
 * request from a pipe of ours, that caller gives the request with call_request().
 */
int	call_request(struct call *call, const char *request, size_t length,
	    struct error *error);
int	call_start(struct call *call, char *const argv[], const char *method,
	    const char *request, size_t length, struct error *error);

/* The events and the deadline to wait for. */
void	call_poll(const struct call *call, struct pollfd entries[CALL_ENTRIES]);
int64_t	call_deadline(const struct call *call);

/* Read and write without blocking.  If the answer is too long, end the endpoint. */
void	call_move(struct call *call, const struct pollfd entries[CALL_ENTRIES],
	    int64_t now);

/*
 * After SIGCHLD, and at call_deadline(): reap the process if it has ended.  Then
 * endpoint.ended is set, and all its output has been read.  If its standard error is
 * shown (endpoint.h) and it has failed, the last line is still held.
 */
void	call_check(struct call *call, int64_t now);

/*
 * Send: the answer line without its newline, in the call's own memory; no byte after it
 * was read.  NULL: not complete yet.
 */
const char *call_line(const struct call *call, size_t *length);

/*
 * Once it has ended.  On OUTCOME_ANSWERED *line is the answer without its newline,
 * *length bytes in the call's own memory; otherwise *error is for the client.  For a Send
 * whose line is complete, the outcome is that of the stream, and *line is not set.
 */
enum outcome call_outcome(const struct call *call, const char **line,
	    size_t *length, struct error *error);

/*
 * The same of a call that is a line of a batch, which may have been cancelled.  Its
 * standard error goes to the log.  *status is the gRPC status of its error; NULL: none
 * but what its exit code says.
 */
enum outcome call_batch_outcome(const struct call *call, bool cancelled,
	    const char **line, size_t *length, const char **status,
	    struct error *error);

/* If it still runs, end it and wait: SIGTERM, then SIGKILL. */
void	call_free(struct call *call);

#endif
