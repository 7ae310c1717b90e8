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
 * so that nothing a peer wrote is ever part of it.  Its standard error is shown
 * line by line as it comes, the last line a second later or with the failure that
 * it explains.  There is no time limit: ssh may be asking for a passphrase.
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
 * Start it.  input is PROCESS_PIPE, and the request goes through that, or a
 * descriptor (borrowed) that becomes its standard input, and the request is an
 * argument.  What a COMMAND_NONE needs no command_free() for, nor after -1.
 */
int	command_start(struct command *command, const char *string,
	    const char *method, const ProtobufCMessage *request, int input,
	    struct error *error);

/* The same of a request that is text, with a limit of its own for the answer. */
int	command_start_text(struct command *command, const char *string,
	    const char *method, const char *request, size_t length,
	    size_t answer_max, int input, struct error *error);

/*
 * Start "STRING batch".  Its input and output are for the caller to write and read;
 * of the functions here only those without an answer are of use with it.
 */
int	command_start_batch(struct command *command, const char *string,
	    struct error *error);

/*
 * Move what can be moved, and reap it when it has ended (call.endpoint.ended);
 * all it wrote before that is then in.  Never blocks.
 */
void	command_handle(struct command *command,
	    const struct pollfd entries[CALL_ENTRIES], int64_t now);

/* Has it been started, and has not ended?  Has it ended with status 0? */
bool	command_runs(const struct command *command);
bool	command_succeeded(const struct command *command);

/*
 * Send: has the line come that a stream follows, or too much for one?
 * command_answer() tells which.
 */
bool	command_has_line(const struct command *command);

/*
 * The answer, to be pbjson_free()d.  NULL if it is not exactly one line of JSON
 * that fits the method (EXIT_PROTOCOL).
 */
ProtobufCMessage *command_answer(const struct command *command,
	    struct error *error);

/* Why it failed, all of it; valid until the next call. */
const char *command_reason(const struct command *command);

/*
 * The last line of that, hints (diag.h) left out.  It is not shown any more where
 * it has not been yet.
 */
const char *command_last_line(struct command *command);

/* The first of such hints as an error's: without names, on one line; "" if none. */
void	command_first_hint(char hint[ERROR_HINT_SIZE], const char *hints);

/* Show what nobody asked for; append the hints to those; free what is held. */
void	command_free(struct command *command, char *hints, size_t size);

#endif
