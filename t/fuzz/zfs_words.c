/*
 * Feeds, up to the first NUL, the name of a snapshot, and behind it what
 * "zfs destroy" said of it, and what "zfs holds" printed of it; and that as
 * the words of a command that failed.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_output.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
destroyed(const char *name, const char *words)
{
	const char *line, *end, *reason;

	for (line = words; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		reason = zfs_output_reason("tank/a", name, line,
		    (size_t)(end - line));
		if (reason != NULL && (reason > end || reason < line +
		    strlen("tank/a@") + strlen(name) + 2 ||
		    strncmp(reason - 2, ": ", 2) != 0))
			abort();
	}
}

static void
held(const char *name, const char *text, size_t size)
{
	char *lines = strndup(text, size);
	const char *tag = zfs_output_tag(lines, name);

	if (tag != NULL && (tag < lines || tag >= lines + size || tag[0] == '\0'))
		abort();
	for (; tag != NULL && *tag != '\0'; tag++)
		if (*tag == '\'' || iscntrl((unsigned char)*tag))
			abort();
	free(lines);
}

static void
failed(const char *text, size_t size)
{
	static struct zfs_report report;
	static const char *const endings[] = { "dataset does not exist", NULL };
	struct error error;

	if (size > ZFS_WORDS_MAX)
		return;
	report = (struct zfs_report){ .command = "hold", .dataset = "tank/a@1",
	    .exit_code = 1 };
	utf8_sanitize(report.words, text, size);
	(void)zfs_words_all(&report, endings);
	if (zfs_failed(&report, &error) != -1 || error.text[0] == '\0' ||
	    strchr(error.text, '\n') != NULL || strchr(error.hint, '\n') != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const name = (const char *)data;
	const char *nul = size > 0 ? memchr(name, '\0', size) : NULL;
	char *words;
	size_t length;

	if (nul == NULL || nul - name > FS_NAME_MAX)
		return (0);
	length = size - (size_t)(nul + 1 - name);
	words = strndup(nul + 1, length);
	destroyed(name, words);
	free(words);
	held(name, nul + 1, length);
	failed(nul + 1, length);
	return (0);
}
