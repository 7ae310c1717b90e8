#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "format/fs_name.h"
#include "message/request.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_destroy.h"
#include "zfs/zfs_hold.h"
#include "zfs/zfs_object.h"
#include "zfs/zfs_output.h"

/* What zfs says of so many names may be cut: the rest is asked for again. */
#define DESTROY_ARGUMENT_MAX (60u << 10)	/* bytes */
_Static_assert(DESTROY_ARGUMENT_MAX + 2 * FS_NAME_MAX < ZFS_LINE_MAX, "one argument");

struct destruction {
	const char *shown, *local;
	FilesystemVersion *const *wanted;
	size_t count;
	bool *done;		/* it was destroyed, or its text says why not */
	char **texts;		/* owned; NULL: destroyed */
	const char *busy;	/* the first busy snapshot; NULL: none */
	bool out_of_memory;
};

static void
cannot(struct destruction *destruction, size_t index, const char *text)
{
	destruction->done[index] = true;
	destruction->texts[index] = strdup(text);
	if (destruction->texts[index] == NULL)
		destruction->out_of_memory = true;
}

static void
is_gone(struct destruction *destruction, size_t index)
{
	char text[FS_NAME_MAX * 3];

	snprintf(text, sizeof(text), "dataset \"%s@%s\" does not exist",
	    destruction->shown, destruction->wanted[index]->name);
	cannot(destruction, index, text);
}

/* Give a reason for each snapshot that does not exist or has another guid. */
static void
judge(struct destruction *destruction, const struct zfs_list *list)
{
	const struct zfs_object *found;
	char text[FS_NAME_MAX * 3];

	for (size_t i = 0; i < destruction->count; i++) {
		const FilesystemVersion *wanted = destruction->wanted[i];

		found = fs_name_valid_snapshot(wanted->name) ?
		    zfs_list_find(list, ZFS_SNAPSHOT, wanted->name) : NULL;
		if (found == NULL)
			is_gone(destruction, i);
		else if (wanted->guid != 0 && wanted->guid != found->guid) {
			snprintf(text, sizeof(text), "\"%s@%s\" has guid %" PRIu64
			    ", not %" PRIu64, destruction->shown, wanted->name,
			    found->guid, wanted->guid);
			cannot(destruction, i, text);
		}
	}
}

/*
 * A line is about one snapshot; since names may hold ": ", the longest match counts.
 * False if it is about none of the remaining snapshots.
 */
static bool
take_reason(struct destruction *destruction, const char *line, size_t length)
{
	const char *reason = NULL, *this;
	char text[1024];

	for (size_t i = 0; i < destruction->count; i++) {
		if (destruction->done[i])
			continue;
		this = zfs_output_reason(destruction->local,
		    destruction->wanted[i]->name, line, length);
		if (this != NULL && (reason == NULL || this > reason))
			reason = this;
	}
	if (reason == NULL)
		return (false);
	/* The peer gets only the reason; our log gets the whole line. */
	diag(DIAG_LOG "%.*s", (int)length, line);
	/* Newer releases have other words for EBUSY. */
	if (strncmp(reason, "it's being held", 15) == 0)
		snprintf(text, sizeof(text), "dataset is busy");
	else
		snprintf(text, sizeof(text), "%.*s",
		    (int)(line + length - reason), reason);
	for (size_t i = 0; i < destruction->count; i++)
		if (!destruction->done[i] && zfs_output_reason(
		    destruction->local, destruction->wanted[i]->name, line,
		    length) == reason) {
			cannot(destruction, i, text);
			if (destruction->busy == NULL &&
			    strcmp(text, "dataset is busy") == 0)
				destruction->busy = destruction->wanted[i]->name;
		}
	return (true);
}

/* For the log: the hold that keeps the first busy snapshot. */
static void
advise(const struct destruction *destruction)
{
	char snapshot[2 * FS_NAME_MAX + 2], line[ZFS_ADVICE_SIZE];

	if (destruction->busy == NULL)
		return;
	snprintf(snapshot, sizeof(snapshot), "%s@%s", destruction->local,
	    destruction->busy);
	if (zfs_hold_advice(line, snapshot))
		diag(DIAG_LOG DIAG_HINT "%s", line);
}

/* Words that name no snapshot (permissions, a faulted pool) are the reason for all. */
static void
take_words(struct destruction *destruction, size_t first, size_t last,
    struct zfs_report *report, struct error *error)
{
	strlcpy(report->dataset, destruction->local, sizeof(report->dataset));
	zfs_failed(report, error);
	diag(DIAG_LOG "%s", error->text);
	if (error->hint[0] != '\0')
		diag(DIAG_LOG DIAG_HINT "%s", error->hint);
	for (size_t i = first; i < last; i++)
		if (!destruction->done[i])
			cannot(destruction, i, error->text);
}

/*
 * "FILESYSTEM@A,B,C", to be free(3)d: the remaining snapshots from first on, up to *last,
 * where the argument is full.
 */
static char *
write_operand(const struct destruction *destruction, size_t first, size_t *last)
{
	char *operand = malloc(DESTROY_ARGUMENT_MAX + 2 * FS_NAME_MAX + 8);
	size_t used, i;

	if (operand == NULL)
		return (NULL);
	used = (size_t)sprintf(operand, "%s@", destruction->local);
	for (i = first; i < destruction->count && used < DESTROY_ARGUMENT_MAX; i++)
		if (!destruction->done[i])
			used += (size_t)sprintf(operand + used, "%s%s",
			    i > first ? "," : "", destruction->wanted[i]->name);
	*last = i;
	return (operand);
}

/* Learn from what zfs said which of them cannot be destroyed. */
static void
take_report(struct destruction *destruction, size_t first, size_t last,
    struct zfs_report *report, struct error *error)
{
	static const char *const gone[] = {
		"could not find any snapshots to destroy; check snapshot names.",
		"': dataset does not exist", NULL
	};
	const char *line, *end;
	bool named = false;

	/* Somebody else destroyed them all since we looked. */
	if (zfs_words_all(report, gone)) {
		for (size_t i = first; i < last; i++)
			if (!destruction->done[i])
				is_gone(destruction, i);
		return;
	}
	/* A last line without newline was cut off: zfs will print it again. */
	for (line = report->words; (end = strchr(line, '\n')) != NULL; line = end + 1)
		named |= take_reason(destruction, line, (size_t)(end - line));
	if (!named)
		take_words(destruction, first, last, report, error);
}

/*
 * Destroy as many snapshots as fit on a command line, with the first remaining one.  zfs
 * destroys all of them or none; those that it objects to are left out the next time.
 */
static int
destroy_some(struct destruction *destruction, size_t first, struct error *error)
{
	size_t last;
	char *operand = write_operand(destruction, first, &last);
	struct zfs_arguments arguments;
	struct zfs_report report;
	int result;

	if (operand == NULL)
		return (error_errno(error, "zfs destroy"));
	arguments = zfs_arguments("destroy", operand, NULL);
	result = zfs_run(&arguments, 0, NULL, &report, error);
	zfs_arguments_free(&arguments);
	free(operand);
	if (result == -1)
		return (-1);
	if (report.exit_code != 0)
		take_report(destruction, first, last, &report, error);
	else
		for (size_t i = first; i < last; i++)
			destruction->done[i] = true;
	return (0);
}

/* Try until none is left; each attempt settles at least one. */
static int
destroy_all(struct destruction *destruction, struct error *error)
{
	for (size_t i = 0; i < destruction->count; i++)
		while (!destruction->done[i])
			if (destruction->out_of_memory ||
			    destroy_some(destruction, i, error) == -1)
				return (-1);
	return (0);
}

int
zfs_destroy(const char *shown, const char *local,
    const DestroySnapshotsReq *request, struct error *error)
{
	struct destruction destruction = { .shown = shown, .local = local,
	    .wanted = request->snapshots, .count = request->n_snapshots };
	struct zfs_list list;
	int result;

	if (request_only_snapshots(request, error) == -1)
		return (-1);
	destruction.done = calloc(request->n_snapshots + 1, sizeof(bool));
	destruction.texts = calloc(request->n_snapshots + 1, sizeof(char *));
	destruction.out_of_memory = destruction.done == NULL ||
	    destruction.texts == NULL;
	result = zfs_filesystem_read(&list, local, 0, true, error);
	if (result == 0 && !destruction.out_of_memory) {
		judge(&destruction, &list);
		result = destroy_all(&destruction, error);
	}
	if (destruction.out_of_memory)
		result = error_set(error, EXIT_SYSTEM, "out of memory");
	if (result == 0)
		result = request_answer_destroyed(request, destruction.texts,
		    error);
	if (result == 0)
		advise(&destruction);
	for (size_t i = 0; destruction.texts != NULL && i < destruction.count; i++)
		free(destruction.texts[i]);
	free(destruction.texts);
	free(destruction.done);
	zfs_list_free(&list);
	return (result);
}
