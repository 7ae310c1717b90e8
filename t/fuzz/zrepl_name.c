/*
 * Feeds, up to the first NUL, what may be a cursor's name or a job's, and
 * behind it a placeholder's value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/fs_name.h"
#include "format/zrepl_name.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A cursor is what it would be made as. */
static void
cursor(const char *name)
{
	char again[ZREPL_NAME_SIZE];
	enum zrepl_cursor kind;
	const char *job;
	uint64_t guid;

	if (!zrepl_cursor_parse(name, &kind, &guid, &job))
		return;
	if (job < name || job > name + strlen(name) || !zrepl_job_valid(job))
		abort();
	zrepl_cursor_name(again, kind, guid, job);
	if (strcmp(again, name) != 0)
		abort();
}

/* What a job's name is made into fits, is valid, and is read again. */
static void
job(const char *name)
{
	static const uint64_t guids[] = { 0, 1, UINT64_MAX };
	char made[ZREPL_NAME_SIZE];
	enum zrepl_cursor kind;
	const char *read;
	uint64_t guid;

	if (!zrepl_job_valid(name))
		return;
	for (size_t i = 0; i < 6; i++) {
		zrepl_cursor_name(made, (enum zrepl_cursor)(i & 1), guids[i / 2], name);
		if (!fs_name_valid_snapshot(made) ||
		    !zrepl_cursor_parse(made, &kind, &guid, &read) ||
		    kind != (enum zrepl_cursor)(i & 1) || guid != guids[i / 2] ||
		    strcmp(read, name) != 0)
			abort();
	}
	zrepl_hold_tag(made, ZREPL_LAST_RECEIVED_TAG, name);
	if (strcmp(made + strlen(ZREPL_LAST_RECEIVED_TAG), name) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 2);
	const char *value;

	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	value = text + strlen(text) + 1;
	cursor(text);
	job(text);
	if (zrepl_placeholder_set(value, text) && strcmp(value, "on") != 0 &&
	    strspn(value, "0123456789abcdef") != 64)
		abort();
	free(text);
	return (0);
}
