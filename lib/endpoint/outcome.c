#include "endpoint/answer_line.h"
#include "endpoint/outcome.h"

enum outcome
outcome_of_code(int exit_code)
{
	return (exit_code == EXIT_DONE ? OUTCOME_ANSWERED :
	    exit_code == EXIT_TIMEOUT ? OUTCOME_TIMED_OUT : OUTCOME_FAILED);
}

enum outcome
outcome_of(const struct outcome_facts *facts, struct error *error)
{
	if (facts->too_long) {
		const bool large = facts->answer_max >= (1u << 20);

		error_set(error, EXIT_FAILED, "the endpoint's answer is longer "
		    "than %zu %s", facts->answer_max >> (large ? 20 : 10),
		    large ? "MiB" : "KiB");
		return (OUTCOME_TOO_LONG);
	}
	if (facts->exit_code != EXIT_DONE) {
		error_set(error, (enum exit_code)facts->exit_code, "%s",
		    facts->text);
		return (outcome_of_code(facts->exit_code));
	}
	return (answer_line_check(facts->answer, facts->length, error));
}

const char *
outcome_status(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_TIMED_OUT:
		return ("DEADLINE_EXCEEDED");
	case OUTCOME_TOO_LONG:
		return ("RESOURCE_EXHAUSTED");
	default:
		return ("UNKNOWN");
	}
}
