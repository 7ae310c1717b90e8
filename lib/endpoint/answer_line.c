#include <string.h>

#include "endpoint/answer_line.h"

enum outcome
answer_line_check(const char *output, size_t length, struct error *error)
{
	const char *newline = length > 0 ? memchr(output, '\n', length) : NULL;

	if (newline == NULL) {
		error_set(error, EXIT_FAILED,
		    "the endpoint ended without an answer");
		return (OUTCOME_NO_LINE);
	}
	if (newline + 1 != output + length) {
		error_set(error, EXIT_FAILED,
		    "the endpoint wrote more than one line");
		return (OUTCOME_MORE_LINES);
	}
	return (OUTCOME_ANSWERED);
}
