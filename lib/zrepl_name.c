#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs_name.h"
#include "zrepl_name.h"

#define GUID_DIGITS 16

static const char *const cursor_prefixes[] = {
	[ZREPL_CURSOR] = "zrepl_CURSOR_G_",
	[ZREPL_TENTATIVE_CURSOR] = "zrepl_CURSORTENTATIVE__G_"
};
static const char job_infix[] = "_J_";

bool
zrepl_job_valid(const char *job)
{
	return (strlen(job) <= ZREPL_JOB_MAX && fs_name_valid_snapshot(job));
}

void
zrepl_hold_tag(char tag[ZREPL_NAME_SIZE], const char *prefix, const char *job)
{
	snprintf(tag, ZREPL_NAME_SIZE, "%s%s", prefix, job);
}

void
zrepl_cursor_name(char name[ZREPL_NAME_SIZE], enum zrepl_cursor kind,
    uint64_t guid, const char *job)
{
	snprintf(name, ZREPL_NAME_SIZE, "%s%016" PRIx64 "%s%s",
	    cursor_prefixes[kind], guid, job_infix, job);
}

bool
zrepl_cursor_parse(const char *name, enum zrepl_cursor *kind, uint64_t *guid,
    const char **job)
{
	char digits[GUID_DIGITS + 1];
	size_t length;

	for (int i = ZREPL_CURSOR; i <= ZREPL_TENTATIVE_CURSOR; i++) {
		length = strlen(cursor_prefixes[i]);
		if (strncmp(name, cursor_prefixes[i], length) != 0)
			continue;
		name += length;
		if (strspn(name, "0123456789abcdef") != GUID_DIGITS)
			return (false);
		memcpy(digits, name, GUID_DIGITS);
		digits[GUID_DIGITS] = '\0';
		name += GUID_DIGITS;
		if (strncmp(name, job_infix, strlen(job_infix)) != 0)
			return (false);
		*kind = (enum zrepl_cursor)i;
		*guid = strtoull(digits, NULL, 16);
		*job = name + strlen(job_infix);
		return (zrepl_job_valid(*job));
	}
	return (false);
}
