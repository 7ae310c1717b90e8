#include "endpoint/outcome.h"
#include "unit.h"

/* An endpoint that exited with code, having said text and answered so. */
static enum outcome
judge(int code, const char *text, const char *answer, struct error *error)
{
	const struct outcome_facts facts = { .exit_code = code, .text = text,
	    .answer = answer, .length = answer == NULL ? 0 : strlen(answer),
	    .answer_max = 64 << 10 };

	return (outcome_of(&facts, error));
}

int
main(void)
{
	struct outcome_facts endless = { .exit_code = EXIT_SIGNAL + 15,
	    .text = "endpoint ended by signal 15", .answer_max = 64 << 20,
	    .too_long = true };
	struct error error;

	TEST("exit status 0 and one line are an answer") {
		CHECK(judge(0, "a warning", "{}\n", &error) == OUTCOME_ANSWERED);
		CHECK(judge(0, "", "\n", &error) == OUTCOME_ANSWERED);
	}
	TEST("its own words are the reason, its exit status the code") {
		CHECK(judge(1, "no space left", "{}\n", &error) == OUTCOME_FAILED);
		CHECK_TEXT(error.text, "no space left");
		CHECK(error.code == EXIT_FAILED);
		CHECK(judge(EXIT_USAGE, "what?", NULL, &error) == OUTCOME_FAILED);
		CHECK(error.code == EXIT_USAGE);
	}
	TEST("what ran out of time is told by its exit status, and by nothing else") {
		CHECK(judge(EXIT_TIMEOUT, "the pool hangs", NULL, &error) ==
		    OUTCOME_TIMED_OUT);
		CHECK(error.code == EXIT_TIMEOUT);
		CHECK(judge(1, "timeout", NULL, &error) == OUTCOME_FAILED);
		for (int code = 0; code < 256; code++)
			CHECK(outcome_of_code(code) == (code == 0 ?
			    OUTCOME_ANSWERED : code == EXIT_TIMEOUT ?
			    OUTCOME_TIMED_OUT : OUTCOME_FAILED));
	}
	TEST("exit status 0 without exactly one line is a failure") {
		CHECK(judge(0, "", NULL, &error) == OUTCOME_NO_LINE);
		CHECK_TEXT(error.text, "the endpoint ended without an answer");
		CHECK(judge(0, "", "{}", &error) == OUTCOME_NO_LINE);
		CHECK_TEXT(error.text, "the endpoint ended without an answer");
		CHECK(judge(0, "", "{}\n{}\n", &error) == OUTCOME_MORE_LINES);
		CHECK_TEXT(error.text, "the endpoint wrote more than one line");
		CHECK(judge(0, "", "{}\nx", &error) == OUTCOME_MORE_LINES);
	}
	TEST("an answer that is too long is that, however the endpoint ended") {
		CHECK(outcome_of(&endless, &error) == OUTCOME_TOO_LONG);
		CHECK_TEXT(error.text, "the endpoint's answer is longer than 64 MiB");
		endless.answer_max = 64 << 10;
		endless.exit_code = 0;
		CHECK(outcome_of(&endless, &error) == OUTCOME_TOO_LONG);
		CHECK_TEXT(error.text, "the endpoint's answer is longer than 64 KiB");
	}
	TEST("each has the name of a gRPC status") {
		CHECK_TEXT(outcome_status(OUTCOME_FAILED), "UNKNOWN");
		CHECK_TEXT(outcome_status(OUTCOME_NO_LINE), "UNKNOWN");
		CHECK_TEXT(outcome_status(OUTCOME_MORE_LINES), "UNKNOWN");
		CHECK_TEXT(outcome_status(OUTCOME_TIMED_OUT), "DEADLINE_EXCEEDED");
		CHECK_TEXT(outcome_status(OUTCOME_TOO_LONG), "RESOURCE_EXHAUSTED");
	}
	return (unit_end());
}
