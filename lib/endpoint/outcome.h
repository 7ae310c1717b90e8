#ifndef ZR_OUTCOME_H
#define ZR_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * The outcome of a call at an endpoint (zr-endpoint-interface(7), Answer).  It is judged
 * only here, for every program that calls an endpoint: the same failure has the same
 * status in whatever way the endpoint was run.
 */
enum outcome {
	OUTCOME_ANSWERED,	/* exit status 0, and one line */
	OUTCOME_FAILED,		/* the endpoint says why */
	OUTCOME_NO_LINE,	/* exit status 0 without an answer line */
	OUTCOME_MORE_LINES,	/* exit status 0 with more than one line */
	OUTCOME_TIMED_OUT,	/* it timed out while waiting for something */
	OUTCOME_TOO_LONG	/* its answer is longer than a message may be */
};

/* Everything known about a call whose process has ended. */
struct outcome_facts {
	int exit_code;		/* process_exit_code() */
	const char *text;	/* why it failed: endpoint_text() */
	const char *answer;	/* its standard output; NULL if length is 0 */
	size_t length;
	size_t answer_max;	/* bytes; further ones were dropped */
	bool too_long;		/* bytes were dropped */
};

/*
 * On OUTCOME_ANSWERED the line is answer without its last byte, the newline.  Otherwise
 * *error has the exit code and the text for the caller of the endpoint.
 */
enum outcome outcome_of(const struct outcome_facts *facts, struct error *error);

/* For a failure of which only the exit code is known: a line of a batch. */
enum outcome outcome_of_code(int exit_code);

/* The gRPC status of a failure, by its name: "DEADLINE_EXCEEDED". */
const char *outcome_status(enum outcome outcome);

#endif
