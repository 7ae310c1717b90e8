#ifndef ZR_ANSWER_LINE_H
#define ZR_ANSWER_LINE_H

#include <stddef.h>

#include "base/error.h"
#include "endpoint/outcome.h"

/*
 * Is the output of an endpoint that exited with 0 exactly one line
 * (zr-endpoint-interface(7), Answer)?  OUTCOME_ANSWERED; otherwise OUTCOME_NO_LINE or
 * OUTCOME_MORE_LINES, with the text for its caller in *error.
 */
enum outcome answer_line_check(const char *output, size_t length,
	    struct error *error);

#endif
