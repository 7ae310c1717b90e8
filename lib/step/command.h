#ifndef ZR_COMMAND_H
#define ZR_COMMAND_H

#include <protobuf-c/protobuf-c.h>

#include "endpoint/call.h"

/*
 * A call at an endpoint that is given as a command string (zr-endpoint-interface(7)),
 * as zr-step makes it.  The string is run as
 *
 *	sh -c 'STRING "$@"' zr METHOD [REQUEST]
 *
 * so that nothing a peer wrote is ever part of it; where the shell would do nothing but
 * execute a program (command_words.h), there is no shell.  Its standard error is shown
 * line by line at once; the last line is shown a second later or with the failure that it
 * explains.  There is no time limit: ssh may be asking for a passphrase.
 */
#define COMMAND_ANSWER_MAX	(64u << 10)	/* bytes, newline included */
#define COMMAND_ARGUMENT_MAX	((128u << 10) - 1)	/* Linux: MAX_ARG_STRLEN */

struct command {
	const char *role;		/* "sender", "receiver": in diagnostics */
	const struct method *method;
	struct call call;		/* call_poll() and call_deadline() */
	char hints[sizeof(((struct endpoint *)NULL)->held)];	/* about the last */
					/* line that was asked for: lines */
};

#define COMMAND_NONE(who) ((struct command){ .role = (who), \
	.call = CALL_NONE(METHOD_UNARY) })

/*
 * Start a COMMAND_NONE.  If input is PROCESS_PIPE, the request is its standard input;
 * otherwise input, a descriptor (borrowed), becomes its standard input and the request is
 * an argument.  After -1 no command_free() is needed.
 */
int	command_start(struct command *command, const char *string,
	    const char *method, const ProtobufCMessage *request, int input,
	    struct error *error);

/* The same with a request as text, and with another limit for the answer. */
int	command_start_text(struct command *command, const char *string,
	    const char *method, const char *request, size_t length,
	    size_t answer_max, int input, struct error *error);

/*
 * A call whose request comes later (zr-endpoint-interface(7)): start a COMMAND_NONE for
 * Send or Receive with these descriptors (borrowed; PROCESS_PIPE: a pipe), and give it its
 * request.  For Receive input is the stream, and the request has a pipe of its own.  Until
 * the request, its standard error is kept and not shown.
 *
 * A string that command_can_wait() is zr-remote(1), which has something to do before the
 * request comes, and of which it is known that it reads ZR_REQUEST.
 */
bool	command_can_wait(const char *string);
int	command_start_ahead(struct command *command, const char *string,
	    const char *method, int input, int output, struct error *error);
int	command_request(struct command *command, const ProtobufCMessage *request,
	    struct error *error);

/*
 * It has ended: is there a part of Receive's request that it has not read?  Then it has not
 * touched the stream either.
 */
bool	command_left_request(const struct command *command);

/*
 * Start "STRING batch".  The caller writes its input and reads its output; the functions
 * here that concern an answer cannot be used.
 */
int	command_start_batch(struct command *command, const char *string,
	    struct error *error);

/*
 * Read and write without blocking, and reap it if it has ended: call.endpoint.ended is
 * then set, and all its output has been read.
 */
void	command_handle(struct command *command,
	    const struct pollfd entries[CALL_ENTRIES], int64_t now);

/* Does it run?  Has it ended with status 0? */
bool	command_runs(const struct command *command);
bool	command_succeeded(const struct command *command);

/*
 * Send: has the line before the stream come, or too many bytes for a line?
 * command_answer() tells which.
 */
bool	command_has_line(const struct command *command);

/*
 * The answer, to be pbjson_free()d.  NULL if it is not exactly one line of JSON
 * that fits the method (EXIT_PROTOCOL).
 */
ProtobufCMessage *command_answer(const struct command *command,
	    struct error *error);

/* The whole text of its failure; valid until the next call. */
const char *command_reason(const struct command *command);

/*
 * The last line of that, without hints (diag.h).  If it has not been shown yet, it no
 * longer will be.
 */
const char *command_last_line(struct command *command);

/*
 * The first of these hints for an error: without names, on one line; "" if there is none.
 */
void	command_first_hint(char hint[ERROR_HINT_SIZE], const char *hints);

/* Show the lines that are still held; append the hints to hints; free everything. */
void	command_free(struct command *command, char *hints, size_t size);

#endif
