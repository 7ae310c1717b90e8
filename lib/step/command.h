#ifndef ZR_COMMAND_H
#define ZR_COMMAND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "endpoint/endpoint.h"

/*
 * Calling an endpoint that somebody wrote down as a command string
 * (zr-endpoint-interface(7)), as zr-step does: the client's counterpart of
 * endpoint.h.  The string is run as
 *
 *	sh -c 'STRING "$@"' zr METHOD [REQUEST]
 *
 * so that nothing a peer wrote is ever part of it.  Its standard error is
 * shown line by line as it comes, the last line a second later or with whatever
 * it is the reason of: command_show() or command_last_line().
 */
#define COMMAND_ANSWER_MAX	(64u << 10)	/* bytes, newline included */
#define COMMAND_ARGUMENT_MAX	((128u << 10) - 1)	/* Linux: MAX_ARG_STRLEN */
#define COMMAND_ENTRIES		3		/* that command_poll() fills in */

struct command {
	const char *role;		/* "sender", "receiver": in diagnostics */
	struct endpoint endpoint;
	const char *request;		/* what is still to be written of it */
	size_t request_left;
	bool stream_follows;		/* read nothing behind the answer */
	bool answered;			/* and it is in */
	char answer[COMMAND_ANSWER_MAX];
	size_t answer_length;
	char hints[sizeof(((struct endpoint *)NULL)->held)];	/* about the last */
					/* line that was asked for: lines */
};

/*
 * Start it.  With input PROCESS_PIPE request (borrowed, with its newline)
 * goes to its standard input; otherwise input is the standard input that it
 * gets and request, if not NULL, is given as an argument.
 */
int	command_start(struct command *command, const char *role,
	    const char *string, const char *method, int input,
	    const char *request, bool stream_follows, struct error *error);

/* What to wait for.  Entries with nothing to wait for have fd -1. */
void	command_poll(const struct command *command,
	    struct pollfd entries[COMMAND_ENTRIES]);

/*
 * Move what can be moved, and reap it when it has ended (endpoint.ended);
 * all it wrote before that is then in.  Never blocks.
 */
void	command_handle(struct command *command,
	    const struct pollfd entries[COMMAND_ENTRIES], int64_t now);

/*
 * Its answer as NUL-terminated text without newline (in the command's own
 * buffer).  NULL if it is not exactly one line (EXIT_PROTOCOL).
 */
const char *command_answer(struct command *command, struct error *error);

/* Did it end with status 0? */
bool	command_succeeded(const struct command *command);

/* Why it failed, all of it, as one line; valid until the next call. */
const char *command_reason(struct command *command);

/*
 * The last line of that, hints (diag.h) left out.  It is not shown any more where
 * it has not been yet.
 */
const char *command_last_line(struct command *command);

/* Where nobody asked for the last line: show it. */
void	command_show(struct command *command);

#endif
