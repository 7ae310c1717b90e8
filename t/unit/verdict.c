#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "endpoint/side_pipe.h"
#include "endpoint/verdict.h"
#include "unit.h"

static struct error error;

/* A verdict that has been given this text, cut in two at `cut`. */
static enum verdict_state
given(struct verdict *verdict, const char *text, size_t cut)
{
	const size_t length = strlen(text);
	char number[16];
	int ends[2];

	if (pipe(ends) == -1)
		abort();
	snprintf(number, sizeof(number), "%d", ends[0]);
	setenv(VERDICT_ENVIRONMENT, number, 1);
	CHECK(verdict_open(verdict, &error) == 0);
	CHECK(getenv(VERDICT_ENVIRONMENT) == NULL);
	if (cut > 0) {
		CHECK(write(ends[1], text, cut) == (ssize_t)cut);
		verdict_read(verdict);
	}
	if (cut < length)
		CHECK(write(ends[1], text + cut, length - cut) ==
		    (ssize_t)(length - cut));
	close(ends[1]);
	while (verdict_read(verdict) == VERDICT_PENDING)
		;
	return (verdict->state);
}

/* What an endpoint hears when it is given this. */
static enum verdict_state
offered(struct verdict *verdict, const char *reason)
{
	const char *number;
	char copy[16];
	int ours = verdict_offer(&error);

	CHECK(ours != -1);
	number = getenv(VERDICT_ENVIRONMENT);
	CHECK(number != NULL && strlen(number) == 1 && *number != '6' &&
	    *number != '7');
	/* As exec does, keep it where side_pipes_close() closes it. */
	snprintf(copy, sizeof(copy), "%d", dup(atoi(number)));
	side_pipes_close();
	CHECK(getenv(VERDICT_ENVIRONMENT) == NULL);
	setenv(VERDICT_ENVIRONMENT, copy, 1);
	CHECK(verdict_open(verdict, &error) == 0);
	verdict_give(&ours, reason);
	CHECK(ours == -1);
	while (verdict_read(verdict) == VERDICT_PENDING)
		;
	return (verdict->state);
}

int
main(void)
{
	struct verdict verdict;
	char number[16], *longest;
	int ends[2];

	TEST("without the variable the stream's end is enough") {
		unsetenv(VERDICT_ENVIRONMENT);
		CHECK(verdict_open(&verdict, &error) == 0);
		CHECK(verdict.fd == -1 && verdict.state == VERDICT_COMPLETE);
		CHECK(verdict_wait(&verdict, IO_FOREVER, &error) == 0);
	}
	TEST("a variable that names no descriptor is an error") {
		setenv(VERDICT_ENVIRONMENT, "999", 1);
		CHECK(verdict_open(&verdict, &error) == -1);
		setenv(VERDICT_ENVIRONMENT, "0x", 1);
		CHECK(verdict_open(&verdict, &error) == -1);
		CHECK(error.code == EXIT_USAGE);
	}
	TEST("the line 0 says complete, and nothing else does") {
		CHECK(given(&verdict, "0\n", 0) == VERDICT_COMPLETE);
		CHECK(given(&verdict, "0\n", 1) == VERDICT_COMPLETE);
		CHECK(given(&verdict, "0", 0) == VERDICT_INCOMPLETE);
		CHECK(given(&verdict, "00\n", 0) == VERDICT_INCOMPLETE);
		CHECK(given(&verdict, "0 \n", 0) == VERDICT_INCOMPLETE);
		CHECK(given(&verdict, "\n", 0) == VERDICT_INCOMPLETE);
		CHECK(given(&verdict, "1\n", 0) == VERDICT_INCOMPLETE);
		CHECK_TEXT(verdict.text, "1.");
	}
	TEST("end of file without a line is no verdict") {
		CHECK(given(&verdict, "", 0) == VERDICT_INCOMPLETE);
		CHECK_TEXT(verdict.text,
		    "the sender ended without a verdict on its stream");
	}
	TEST("only without a line is the stream given up, after its grace") {
		const int64_t before = io_now();

		CHECK(given(&verdict, "0", 0) == VERDICT_INCOMPLETE);
		CHECK(verdict.abandoned);
		CHECK(verdict_deadline(&verdict) >= before + VERDICT_GRACE_MS);
		CHECK(verdict_deadline(&verdict) <= io_now() + VERDICT_GRACE_MS);
		CHECK(verdict_check(&verdict, &error) == 0);
		verdict.give_up_at = io_now();
		CHECK(verdict_check(&verdict, &error) == -1);
		CHECK(error.code == EXIT_FAILED);
		CHECK_TEXT(error.text, verdict.text);
		for (int i = 0; i < 2; i++) {
			given(&verdict, i == 0 ? "0\n" : "pool suspended\n", 0);
			CHECK(!verdict.abandoned);
			CHECK(verdict_deadline(&verdict) == IO_FOREVER);
			CHECK(verdict_check(&verdict, &error) == 0);
		}
	}
	TEST("the reason comes through, made valid UTF-8, however it is cut") {
		for (size_t cut = 0; cut <= 18; cut++) {
			CHECK(given(&verdict, "dataset is \xff busy\n", cut) ==
			    VERDICT_INCOMPLETE);
			CHECK_TEXT(verdict.text, "dataset is ? busy");
		}
	}
	TEST("a line without end is cut at the limit") {
		longest = malloc(2 * VERDICT_TEXT_MAX + 1);
		if (longest == NULL)
			abort();
		memset(longest, 'x', 2 * VERDICT_TEXT_MAX);
		longest[2 * VERDICT_TEXT_MAX] = '\0';
		CHECK(given(&verdict, longest, 0) == VERDICT_INCOMPLETE);
		CHECK(strlen(verdict.text) == VERDICT_TEXT_MAX);
		free(longest);
	}
	TEST("a verdict that is given is the one that is read") {
		CHECK(offered(&verdict, NULL) == VERDICT_COMPLETE);
		CHECK(offered(&verdict, "pool suspended\nfor good") ==
		    VERDICT_INCOMPLETE);
		CHECK_TEXT(verdict.text, "pool suspended for good");
		CHECK(offered(&verdict, NULL) == VERDICT_COMPLETE);
	}
	TEST("waiting ends at the deadline") {
		CHECK(pipe(ends) == 0);
		snprintf(number, sizeof(number), "%d", ends[0]);
		setenv(VERDICT_ENVIRONMENT, number, 1);
		CHECK(verdict_open(&verdict, &error) == 0);
		CHECK(verdict_wait(&verdict, io_now() + 20, &error) == -1);
		CHECK(error.code == EXIT_TIMEOUT);
		verdict_free(&verdict);
		CHECK(verdict.fd == -1);
		close(ends[1]);
	}
	return (unit_end());
}
