#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_destroy.h"
#include "base/io.h"
#include "message/request.h"

/* Is some snapshot, other than those that go too, an increment of this one? */
static const struct archive_snapshot *
increment_of(const struct archive_list *list, const bool *going,
    const struct archive_snapshot *base)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->snapshots[i].from_guid == base->guid && !going[i])
			return (&list->snapshots[i]);
	return (NULL);
}

static int
cannot(char **text, const struct error *why, struct error *error)
{
	*text = strdup(why->text);
	return (*text == NULL ? error_errno(error, "results") : 0);
}

static void
explain_base(struct error *why, const char *filesystem,
    const struct archive_snapshot *base, const struct archive_snapshot *increment)
{
	error_set(why, EXIT_FAILED, "%s@%s is the base of the stored increment %s",
	    filesystem, base->name, increment->name);
}

/*
 * Which of the versions can go?  One that is the base of a stored increment
 * stays unless that goes too; that may in turn keep the base of it, until
 * nothing changes any more.
 */
static int
judge(const DestroySnapshotsReq *request, const struct archive_list *list,
    bool *going, char **texts, struct error *error)
{
	const struct archive_snapshot *found, *increment;
	struct error why;
	bool changed = true;
	size_t index;

	for (size_t i = 0; i < request->n_snapshots; i++) {
		FilesystemVersion wanted = *request->snapshots[i];

		found = archive_find_name(list, wanted.name);
		if (wanted.guid == 0 && found != NULL)
			wanted.guid = found->guid;
		found = archive_find_version(list, request->filesystem, &wanted,
		    &why);
		if (found != NULL)
			going[found - list->snapshots] = true;
		else if (cannot(&texts[i], &why, error) == -1)
			return (-1);
	}
	while (changed) {
		changed = false;
		for (size_t i = 0; i < request->n_snapshots; i++) {
			if (texts[i] != NULL)
				continue;
			found = archive_find_name(list, request->snapshots[i]->name);
			index = (size_t)(found - list->snapshots);
			increment = increment_of(list, going, found);
			if (increment == NULL)
				continue;
			explain_base(&why, request->filesystem, found, increment);
			if (cannot(&texts[i], &why, error) == -1)
				return (-1);
			going[index] = false;
			changed = true;
		}
	}
	return (0);
}

int
archive_destroy(int root, const DestroySnapshotsReq *request,
    struct error *error)
{
	struct archive_list list = { .count = 0 };
	const struct archive_snapshot *increment;
	int directory, lock = -1, result = -1;
	bool *going = NULL;
	char **texts = NULL;
	struct error reason;

	if (request_only_snapshots(request, error) == -1)
		return (-1);
	directory = archive_open_filesystem(root, request->filesystem,
	    false, error);
	if (directory == -1)
		return (-1);
	lock = archive_lock(directory, error);
	if (lock == -1 || archive_list(directory, &list, error) == -1)
		goto out;
	going = calloc(list.count + 1, sizeof(*going));
	texts = calloc(request->n_snapshots + 1, sizeof(*texts));
	if (going == NULL || texts == NULL) {
		error_errno(error, "snapshots");
		goto out;
	}
	if (judge(request, &list, going, texts, error) == -1)
		goto out;
	/*
	 * Increments before their bases, should we be stopped half way; one that
	 * cannot go keeps its base.
	 */
	for (size_t i = list.count; i-- > 0;) {
		if (!going[i])
			continue;
		increment = increment_of(&list, going, &list.snapshots[i]);
		if (increment != NULL)
			explain_base(&reason, request->filesystem,
			    &list.snapshots[i], increment);
		else if (archive_remove(directory, &list.snapshots[i],
		    &reason) == 0)
			continue;
		going[i] = false;
		for (size_t j = 0; j < request->n_snapshots; j++)
			if (texts[j] == NULL && strcmp(list.snapshots[i].name,
			    request->snapshots[j]->name) == 0 &&
			    cannot(&texts[j], &reason, error) == -1)
				goto out;
	}
	result = request_answer_destroyed(request, texts, error);
out:
	for (size_t i = 0; texts != NULL && i < request->n_snapshots; i++)
		free(texts[i]);
	free(texts);
	free(going);
	archive_list_free(&list);
	io_close(&lock);
	close(directory);
	return (result);
}
