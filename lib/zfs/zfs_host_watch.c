/*
 * What comes back from another host: zfs's words and output between our two lines.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/process.h"
#include "zfs/zfs_host.h"

#define SHOWN_MAX 400	/* bytes of a line of the login shell or ssh */

/* The text after the prefix, if the line has it; else NULL. */
static const char *
after(const char *line, const char *prefix)
{
	const size_t length = strlen(prefix);

	return (strncmp(line, prefix, length) == 0 ? line + length : NULL);
}

/* A name that can stand in a command line; others stay unknown. */
static void
take_user(struct zfs_host_watch *watch, const char *name)
{
	if (strlen(name) >= sizeof(watch->user))
		return;
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("_.-", *c) == NULL)
			return;
	strlcpy(watch->user, name, sizeof(watch->user));
}

/* A line is complete: if it is one of ours, it goes. */
static void
end_line(struct zfs_host_watch *watch, char *words, size_t *length, size_t max)
{
	const char *text;
	uint64_t status;

	if (watch->line_length < sizeof(watch->line)) {
		watch->line[watch->line_length] = '\0';
		if (watch->state == ZFS_HOST_SILENT &&
		    (text = after(watch->line, ZFS_HOST_BEGINS)) != NULL) {
			take_user(watch, text);
			watch->state = ZFS_HOST_BEGUN;
			*length = 0;
		} else if (watch->state == ZFS_HOST_BEGUN &&
		    (text = after(watch->line, ZFS_HOST_ENDS)) != NULL &&
		    number_parse(&status, text, 10, 0, 255)) {
			watch->exit_code = (int)status;
			watch->state = ZFS_HOST_ENDED;
			*length = watch->line_start;
			/* The newline before it is ours as well. */
			if (*length > 0 && *length < max && words[*length - 1] == '\n')
				(*length)--;
		}
	}
	watch->line_length = 0;
	watch->line_start = *length;
}

void
zfs_host_hear(struct zfs_host_watch *watch, const char *bytes, size_t size,
    char *words, size_t *length, size_t max)
{
	for (; size > 0 && watch->state != ZFS_HOST_ENDED; bytes++, size--) {
		if (*length < max)
			words[(*length)++] = *bytes;
		if (*bytes == '\n')
			end_line(watch, words, length, max);
		else if (watch->line_length < sizeof(watch->line))
			watch->line[watch->line_length++] = *bytes;
	}
}

/* --- standard output --- */

/* The login shell's words, on one line. */
static int
noise(const struct buffer *output, struct error *error)
{
	const char *const text = (const char *)buffer_front(output);
	const char *const begins = memmem(text, buffer_length(output),
	    ZFS_HOST_BEGINS, strlen(ZFS_HOST_BEGINS));
	const size_t most = begins != NULL ? (size_t)(begins - text) :
	    buffer_length(output);
	size_t length = 0;

	while (length < most && length < SHOWN_MAX && text[length] != '\n' &&
	    text[length] != '\0')
		length++;
	return (error_set(error, EXIT_FAILED, "the login shell of %s prints \"%.*s\" "
	    "where there is no terminal: its start-up files must be silent then",
	    zfs_host(), (int)length, text));
}

static int
lost(const char *words, struct error *error);

int
zfs_host_take_output(struct buffer *output, int exit_code, struct error *error)
{
	const size_t length = buffer_length(output);
	const uint8_t *const front = buffer_front(output), *newline;
	char end[64];
	size_t end_length;

	newline = memchr(front, '\n', length);
	if (newline == NULL || length < strlen(ZFS_HOST_BEGINS) ||
	    memcmp(front, ZFS_HOST_BEGINS, strlen(ZFS_HOST_BEGINS)) != 0)
		return (length == 0 ? lost("", error) : noise(output, error));
	end_length = (size_t)snprintf(end, sizeof(end), "\n" ZFS_HOST_ENDS "%d\n",
	    exit_code);
	if (length - (size_t)(newline + 1 - front) < end_length ||
	    memcmp(front + length - end_length, end, end_length) != 0)
		return (lost("", error));
	buffer_truncate(output, length - end_length);
	buffer_consume(output, (size_t)(newline + 1 - front));
	return (0);
}

/* --- ssh's end --- */

/* The last line with something in it: the cause, after banners and warnings. */
static const char *
last_line(const char *text, size_t length, int *line_length)
{
	size_t start;

	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	for (start = length; start > 0 && text[start - 1] != '\n'; start--)
		;
	*line_length = (int)(length - start < SHOWN_MAX ? length - start : SHOWN_MAX);
	return (text + start);
}

static int
lost(const char *words, struct error *error)
{
	int length;
	const char *const line = last_line(words, strlen(words), &length);

	return (error_set(error, EXIT_SSH, "the ssh connection to %s was lost%s%.*s",
	    zfs_host(), length > 0 ? ": " : "", length, line));
}

/* Neither zfs nor /bin/sh: what was printed says why. */
static int
not_run(int ssh_code, const char *words, const struct buffer *output,
    struct error *error)
{
	int length;
	const char *line = last_line(words, strlen(words), &length);

	if (ssh_code == EXIT_SSH || process_code_signal(ssh_code) != 0)
		return (error_set(error, EXIT_SSH, "no ssh connection to %s%s%.*s",
		    zfs_host(), length > 0 ? ": " : "", length, line));
	/* nologin(8) says it on standard output. */
	if (length == 0 && output != NULL)
		line = last_line((const char *)buffer_front(output),
		    buffer_length(output), &length);
	return (error_set(error, EXIT_FAILED, "the login shell of %s did not run "
	    "/bin/sh, and ended with status %d%s%.*s", zfs_host(), ssh_code,
	    length > 0 ? ": " : "", length, line));
}

int
zfs_host_judge(const struct zfs_host_watch *watch, int ssh_code,
    const char *words, const struct buffer *output, struct error *error)
{
	const char *line;
	int length;

	if (watch->state == ZFS_HOST_SILENT)
		return (not_run(ssh_code, words, output, error));
	/* All of it has come only if ssh has the same status. */
	if (watch->state == ZFS_HOST_BEGUN || watch->exit_code != ssh_code)
		return (lost(words, error));
	line = last_line(words, strlen(words), &length);
	if (watch->exit_code == EXIT_NOT_FOUND)
		return (error_set(error, EXIT_NOT_FOUND, "%s has no zfs in PATH, "
		    "/usr/local/sbin, /usr/sbin or /sbin: install it there, or name "
		    "it in ZR_ZFS", zfs_host()));
	if (watch->exit_code == EXIT_CANNOT_EXEC)
		return (error_set(error, EXIT_CANNOT_EXEC, "%s cannot execute zfs: "
		    "%.*s", zfs_host(), length, line));
	return (0);
}
