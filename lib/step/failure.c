#include <stdlib.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/process.h"
#include "step/failure.h"

#define RETRY_MS	1000
#define RETRY_MAX_MS	60000

static const char *const names[] = {
	[FAILURE_NONE] = "none",
	[FAILURE_TRANSPORT] = "transport",
	[FAILURE_BUSY] = "busy",
	[FAILURE_OTHER] = "other"
};

/* The words of zfs(8). */
static const char *const busy[] = {
	"dataset is busy",
	"contains partially-complete state"
};

/* Those of zfs(8), of several versions, and of our archive. */
static const char *const in_use[] = {
	"dataset is busy",
	"it's being held",
	"has dependent clones",
	"is the base of the stored increment"
};

static bool
contains(const char *text, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(text, words[i]) != NULL)
			return (true);
	return (false);
}

static bool
is_of_transport(int exit_code, const char *status)
{
	return (exit_code == EXIT_PROTOCOL || exit_code == EXIT_TIMEOUT ||
	    exit_code == EXIT_SYSTEM || exit_code == EXIT_SSH ||
	    process_code_signal(exit_code) != 0 ||
	    strcmp(status, "UNAVAILABLE") == 0 ||
	    strcmp(status, "DEADLINE_EXCEEDED") == 0);
}

enum failure
failure_of(int exit_code, const char *status, const char *text)
{
	if (exit_code == EXIT_DONE)
		return (FAILURE_NONE);
	if (is_of_transport(exit_code, status != NULL ? status : ""))
		return (FAILURE_TRANSPORT);
	return (contains(text, busy, sizeof(busy) / sizeof(busy[0])) ?
	    FAILURE_BUSY : FAILURE_OTHER);
}

bool
failure_is_in_use(const char *text)
{
	return (contains(text, in_use, sizeof(in_use) / sizeof(in_use[0])));
}

const char *
failure_name(enum failure failure)
{
	return (names[failure]);
}

int64_t
failure_retry_at(int64_t now, size_t failures)
{
	int64_t wait = RETRY_MS;

	while (failures-- > 1 && wait < RETRY_MAX_MS)
		wait *= 2;
	if (wait > RETRY_MAX_MS)
		wait = RETRY_MAX_MS;
	return (now + 1 + (int64_t)arc4random_uniform((uint32_t)wait));
}
