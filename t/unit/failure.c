#include "step/failure.h"
#include "unit.h"

#define ANY "dataset does not exist"

static const struct {
	int exit_code;
	const char *status, *text;
	enum failure want;
} table[] = {
	{ EXIT_DONE, NULL, ANY, FAILURE_NONE },
	{ EXIT_DONE, "UNAVAILABLE", "dataset is busy", FAILURE_NONE },
	{ EXIT_FAILED, NULL, ANY, FAILURE_OTHER },
	{ EXIT_FAILED, "", "", FAILURE_OTHER },
	{ EXIT_FAILED, "UNKNOWN", ANY, FAILURE_OTHER },
	{ EXIT_FAILED, "UNAVAILABLE", ANY, FAILURE_TRANSPORT },
	{ EXIT_FAILED, "DEADLINE_EXCEEDED", ANY, FAILURE_TRANSPORT },
	{ EXIT_FAILED, "UNAVAILABLE", "dataset is busy", FAILURE_TRANSPORT },
	{ EXIT_FAILED, "RESOURCE_EXHAUSTED", ANY, FAILURE_OTHER },
	{ EXIT_FAILED, "unavailable", ANY, FAILURE_OTHER },
	{ EXIT_PROTOCOL, NULL, ANY, FAILURE_TRANSPORT },
	{ EXIT_TIMEOUT, NULL, ANY, FAILURE_TRANSPORT },
	{ EXIT_USAGE, NULL, ANY, FAILURE_OTHER },
	{ EXIT_SYSTEM, NULL, ANY, FAILURE_TRANSPORT },
	{ EXIT_CANNOT_EXEC, NULL, ANY, FAILURE_OTHER },
	{ EXIT_NOT_FOUND, NULL, ANY, FAILURE_OTHER },
	{ EXIT_SIGNAL, NULL, ANY, FAILURE_OTHER },
	{ EXIT_SIGNAL + 1, NULL, ANY, FAILURE_TRANSPORT },
	{ EXIT_SIGNAL + 15, NULL, "dataset is busy", FAILURE_TRANSPORT },
	{ EXIT_SIGNAL + 64, NULL, ANY, FAILURE_TRANSPORT },
	{ EXIT_SIGNAL + 65, NULL, ANY, FAILURE_OTHER },
	{ 254, NULL, ANY, FAILURE_OTHER },
	{ 255, NULL, ANY, FAILURE_TRANSPORT },
	{ 3, NULL, "cannot destroy 'a@b': dataset is busy", FAILURE_BUSY },
	{ EXIT_FAILED, "UNKNOWN", "cannot receive: destination 'a' contains "
	    "partially-complete state from \"zfs receive -s\".", FAILURE_BUSY },
	{ EXIT_USAGE, NULL, "dataset is busy", FAILURE_BUSY },
	{ EXIT_FAILED, NULL, "the pool is busy", FAILURE_OTHER },
};

int
main(void)
{
	TEST("the exit code and the status decide, then the text") {
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			const enum failure got = failure_of(table[i].exit_code,
			    table[i].status, table[i].text);

			if (got != table[i].want)
				printf("# %d %s: %s\n", table[i].exit_code,
				    table[i].text, failure_name(got));
			CHECK(got == table[i].want);
		}
	}
	TEST("a snapshot that something needs is in use") {
		CHECK(failure_is_in_use("cannot destroy 'a@b': dataset is busy"));
		CHECK(failure_is_in_use("it's being held. Run 'zfs holds' to see it"));
		CHECK(failure_is_in_use("snapshot has dependent clones"));
		CHECK(failure_is_in_use("a@b is the base of the stored increment c"));
		CHECK(!failure_is_in_use("permission denied"));
		CHECK(!failure_is_in_use("the pool is busy"));
		CHECK(!failure_is_in_use(""));
	}
	TEST("each has a name") {
		CHECK_TEXT(failure_name(FAILURE_NONE), "none");
		CHECK_TEXT(failure_name(FAILURE_TRANSPORT), "transport");
		CHECK_TEXT(failure_name(FAILURE_BUSY), "busy");
		CHECK_TEXT(failure_name(FAILURE_OTHER), "other");
	}
	return (unit_end());
}
