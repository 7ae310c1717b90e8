#ifndef ZR_ENDPOINT_CALL_H
#define ZR_ENDPOINT_CALL_H

#include <poll.h>

#include "base/buffer.h"
#include "endpoint/endpoint.h"
#include "endpoint/outcome.h"

/*
 * One unary call at an endpoint process of its own (zr-endpoint-interface(7)):
 * the request line in, one answer line out, and the exit status as the last
 * word.  For whoever runs several at once beside other descriptors.
 */
#define ENDPOINT_CALL_ENTRIES 3		/* that endpoint_call_poll() fills in */

struct endpoint_call {
	struct endpoint endpoint;
	struct buffer request;		/* as far as unwritten */
	struct buffer answer;
	bool too_long;
};

/*
 * Start "argv... method"; length bytes of request (copied) and a newline are
 * its standard input.  answer_max: the longest answer line, in bytes.
 */
int	endpoint_call_start(struct endpoint_call *call, char *const argv[],
	    const char *method, const char *request, size_t length,
	    size_t answer_max, struct error *error);

/* What to wait for. */
void	endpoint_call_poll(const struct endpoint_call *call,
	    struct pollfd entries[ENDPOINT_CALL_ENTRIES]);

/*
 * Move what can be moved, and reap it when it has ended: call.endpoint.ended
 * is then set, and everything it wrote is in.  An answer that is too long
 * ends it.
 */
void	endpoint_call_handle(struct endpoint_call *call,
	    const struct pollfd entries[ENDPOINT_CALL_ENTRIES], int64_t now);

/*
 * Once it has ended.  On OUTCOME_ANSWERED *line is the answer without its newline,
 * *length bytes in the call's own memory; otherwise *error has what the client
 * is to hear.
 */
enum outcome endpoint_call_outcome(const struct endpoint_call *call,
	    const char **line, size_t *length, struct error *error);

/* Blocking where it still runs: SIGTERM, SIGKILL, wait. */
void	endpoint_call_free(struct endpoint_call *call);

#endif
