/*
 * The words of a command that failed.
 */
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "zfs/zfs_advice.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_host.h"

bool
zfs_words_all(const struct zfs_report *report, const char *const endings[])
{
	const char *line = report->words;
	size_t length, tail, lines = 0, i;

	for (; *line != '\0'; line += length + (line[length] == '\n')) {
		length = strcspn(line, "\n");
		for (i = 0; endings[i] != NULL; i++) {
			tail = strlen(endings[i]);
			if (length >= tail && memcmp(line + length - tail,
			    endings[i], tail) == 0)
				break;
		}
		if (endings[i] == NULL)
			return (false);
		lines++;
	}
	return (lines > 0);
}

/*
 * The usage text, and the list of datasets to destroy with -r or -R: advice for a person
 * who typed the command, which we must not pass on.
 */
static bool
ends_the_words(const char *line)
{
	static const char *const beginnings[] = {
		"usage:", "use '-r' ", "use '-R' ", "must destroy them "
	};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(line, beginnings[i], strlen(beginnings[i])) == 0)
			return (true);
	return (false);
}

/* The words on one line. */
static size_t
join(const char *words, char *text, size_t size)
{
	size_t used = 0, length;

	text[0] = '\0';
	for (; *words != '\0'; words += length + (words[length] == '\n')) {
		length = strcspn(words, "\n");
		if (ends_the_words(words))
			break;
		if (length > 0 && used < size)
			used += (size_t)snprintf(text + used, size - used,
			    "%s%.*s", used > 0 ? "; " : "", (int)length, words);
	}
	return (used);
}

void
zfs_say_where(char line[ZFS_ADVICE_SIZE])
{
	char text[ZFS_ADVICE_SIZE];

	if (zfs_host() == NULL || line[0] == '\0')
		return;
	strlcpy(text, line, sizeof(text));
	snprintf(line, ZFS_ADVICE_SIZE, "on %s: ", zfs_host());
	strlcat(line, text, ZFS_ADVICE_SIZE);
}

/* Advice that names datasets has commands in it: for which host? */
static int
advise(struct error *error, struct zfs_failure failure)
{
	if (zfs_host() != NULL) {
		failure.elsewhere = true;
		if (failure.user == NULL || failure.user[0] == '\0')
			failure.user = "USER";
	} else
		failure.user = NULL;
	zfs_advice(error->hint, &failure);
	failure.dataset = NULL;
	zfs_advice(error->hint_for_peer, &failure);
	if (strcmp(error->hint, error->hint_for_peer) != 0) {
		zfs_say_where(error->hint);
		zfs_say_where(error->hint_for_peer);
	}
	return (-1);
}

int
zfs_failed(const struct zfs_report *report, struct error *error)
{
	const char *const on = zfs_host() != NULL ? " on " : "";
	const char *const host = zfs_host() != NULL ? zfs_host() : "";
	char text[sizeof(error->text)];

	if (join(report->words, text, sizeof(text)) > 0)
		error_set(error, EXIT_FAILED, "%s", text);
	else if (process_code_signal(report->exit_code) != 0)
		error_set(error, EXIT_FAILED, "zfs %s%s%s was ended by signal %d",
		    report->command, on, host, process_code_signal(report->exit_code));
	else
		error_set(error, EXIT_FAILED, "zfs %s%s%s ended with status %d",
		    report->command, on, host, report->exit_code);
	return (advise(error, (struct zfs_failure){ .command = report->command,
	    .dataset = report->dataset, .user = report->user, .words = report->words,
	    .length = strlen(report->words) }));
}

int
zfs_advise(struct error *error, const char *phrase, const char *dataset)
{
	return (advise(error, (struct zfs_failure){ .dataset = dataset,
	    .words = phrase, .length = strlen(phrase) }));
}
