#ifndef ZR_CALL_H
#define ZR_CALL_H

#include <poll.h>

#include "base/buffer.h"
#include "endpoint/endpoint.h"
#include "endpoint/outcome.h"
#include "message/method.h"

/*
 * One call at an endpoint process (zr-endpoint-interface(7)): the request line in,
 * the answer line out, standard error, and the exit status as the last word.
 * Nothing here blocks, so that any number of calls can share a poll loop with
 * other descriptors.
 *
 * The stream of Send and Receive is the caller's: it takes over process.output
 * when call_line() has given it Send's line, and process.input when nothing of
 * Receive's request is left to be written.
 */
#define CALL_ENTRIES 3		/* that call_poll() fills in */

struct call {
	enum method_kind kind;
	struct endpoint endpoint;
	struct buffer request;	/* the line, as far as unwritten */
	struct buffer answer;
	size_t line_size;	/* Send: of its line, newline included; 0: not in yet */
	bool too_long;
};

#define CALL_NONE(what) ((struct call){ .kind = (what), .endpoint = ENDPOINT_NONE, \
	.answer = BUFFER_EMPTY((what) == METHOD_SEND ? METHOD_SEND_ANSWER_MAX : \
	METHOD_ANSWER_MAX) })

/*
 * Start "argv... method" for a CALL_NONE; length bytes of request (copied) and a
 * newline are its standard input.  A caller that starts the process itself sets
 * call.endpoint.process instead; what of it is -1 is left alone.  It gives the
 * request with call_request(), where the process reads that from a pipe of ours.
 */
int	call_request(struct call *call, const char *request, size_t length,
	    struct error *error);
int	call_start(struct call *call, char *const argv[], const char *method,
	    const char *request, size_t length, struct error *error);

/* What to wait for, and until when at most. */
void	call_poll(const struct call *call, struct pollfd entries[CALL_ENTRIES]);
int64_t	call_deadline(const struct call *call);

/* Move what can be moved.  An answer that is too long ends the endpoint. */
void	call_move(struct call *call, const struct pollfd entries[CALL_ENTRIES],
	    int64_t now);

/*
 * After SIGCHLD, and at call_deadline(): reap the process if it has ended.  Then
 * endpoint.ended is set, and everything that it wrote is in.  Where its standard
 * error is shown (endpoint.h), the last line of one that failed is still held.
 */
void	call_check(struct call *call, int64_t now);

/*
 * Send: the answer line without its newline, in the call's own memory; nothing was
 * read behind it.  NULL: not in yet.
 */
const char *call_line(const struct call *call, size_t *length);

/*
 * Once it has ended.  On OUTCOME_ANSWERED *line is the answer without its newline,
 * *length bytes in the call's own memory; otherwise *error has what the client
 * is to hear.  Of a Send whose line was in, this is about the stream: *line is not set.
 */
enum outcome call_outcome(const struct call *call, const char **line,
	    size_t *length, struct error *error);

/* Blocking where it still runs: SIGTERM, SIGKILL, wait. */
void	call_free(struct call *call);

#endif
