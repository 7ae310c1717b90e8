#ifndef ZR_OUTCOME_H
#define ZR_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * How a call at an endpoint went (zr-endpoint-interface(7), Answer).  This is the one
 * place that judges it: every program that calls an endpoint asks here, so that
 * the same failure has the same status whichever way the endpoint was run.
 */
enum outcome {
	OUTCOME_ANSWERED,	/* exit status 0, and one line */
	OUTCOME_FAILED,		/* the endpoint says why */
	OUTCOME_NO_LINE,	/* exit status 0 without an answer line */
	OUTCOME_MORE_LINES,	/* and with more than one */
	OUTCOME_TIMED_OUT,	/* something it waited for did not come in time */
	OUTCOME_TOO_LONG	/* its answer is longer than a message may be */
};

/* What is known once its process has ended. */
struct outcome_facts {
	int exit_code;		/* process_exit_code() */
	const char *text;	/* why it failed: endpoint_text() */
	const char *answer;	/* its standard output; NULL where length is 0 */
	size_t length;
	size_t answer_max;	/* bytes; what came beyond it was dropped */
	bool too_long;		/* more did come */
};

/*
 * On OUTCOME_ANSWERED the line is answer without its last byte, the newline.
 * Otherwise *error has the exit code and the text for whoever called.
 */
enum outcome outcome_of(const struct outcome_facts *facts, struct error *error);

/* Of a failure of which only the exit code is known: a line of a batch. */
enum outcome outcome_of_code(int exit_code);

/* The gRPC status of a failure, by its name: "DEADLINE_EXCEEDED". */
const char *outcome_status(enum outcome outcome);

#endif
