#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_destroy.h"
#include "archive/archive_directory.h"
#include "archive/archive_list.h"
#include "base/io.h"
#include "message/request.h"

/* What happens to an entry of the list. */
struct fate {
	bool going;			/* asked for, and nothing against it */
	const struct archive_entry *increment;	/* of this one, and stays */
	char *reason;			/* why it could not be removed; or NULL */
};

struct destroy {
	const DestroySnapshotsReq *request;
	struct archive_list list;
	struct fate *fates;		/* of the entries */
	const struct archive_entry **wanted;	/* of the request's; or NULL */
	char **texts;			/* the answers: NULL is success */
	/* One with a damaged record, whose base is unknown. */
	const struct archive_entry *damaged;
};

static struct fate *
fate_of(const struct destroy *destroy, const struct archive_entry *entry)
{
	return (&destroy->fates[entry - destroy->list.entries]);
}

static int
keep_text(char **text, const struct error *why, struct error *error)
{
	*text = strdup(why->text);
	return (*text == NULL ? error_errno(error, "results") : 0);
}

/* Which snapshots are meant? */
static int
choose(struct destroy *destroy, struct error *error)
{
	const DestroySnapshotsReq *request = destroy->request;
	const struct archive_list *list = &destroy->list;
	struct error why;

	for (size_t i = 0; i < request->n_snapshots; i++) {
		destroy->wanted[i] = archive_find_version(list,
		    request->filesystem, request->snapshots[i], &why);
		if (destroy->wanted[i] != NULL)
			fate_of(destroy, destroy->wanted[i])->going = true;
		else if (keep_text(&destroy->texts[i], &why, error) == -1)
			return (-1);
	}
	for (size_t i = list->sound; i < list->count; i++)
		if (list->entries[i].defect == ARCHIVE_NO_RECORD)
			destroy->damaged = &list->entries[i];
	return (0);
}

/*
 * Remove the records, in one pass from the last to the first: increments come
 * before their bases, should we be stopped half way, and an increment that
 * stays keeps its base.
 */
static int
remove_records(struct destroy *destroy, int directory, struct error *error)
{
	const struct archive_entry *entry;
	struct error why;
	struct fate *fate;

	for (size_t i = destroy->list.count; i-- > 0;) {
		entry = &destroy->list.entries[i];
		fate = &destroy->fates[i];
		if (fate->increment != NULL || destroy->damaged != NULL)
			fate->going = false;
		else if (fate->going && archive_remove_record(directory,
		    entry->snapshot.guid, &why) == -1) {
			fate->going = false;
			if (keep_text(&fate->reason, &why, error) == -1)
				return (-1);
		}
		if (!fate->going && entry->base != NULL)
			fate_of(destroy, entry->base)->increment = entry;
	}
	return (0);
}

/* Once this is on the disk, they are gone. */
static int
finish(struct destroy *destroy, int directory, struct error *error)
{
	struct error why;
	const bool synced = archive_sync(directory, &why) == 0;
	struct fate *fate;

	for (size_t i = 0; i < destroy->list.count; i++) {
		fate = &destroy->fates[i];
		if (!fate->going)
			continue;
		if (synced)
			archive_remove_stream(directory,
			    destroy->list.entries[i].snapshot.guid);
		else if (keep_text(&fate->reason, &why, error) == -1)
			return (-1);
	}
	return (0);
}

static int
explain(const struct destroy *destroy, size_t index, struct error *error)
{
	const struct archive_entry *entry = destroy->wanted[index];
	const struct fate *fate = fate_of(destroy, entry);
	const char *filesystem = destroy->request->filesystem;
	const char *name = entry->snapshot.name;
	struct error why;

	if (fate->reason != NULL)
		error_set(&why, EXIT_FAILED, "%s", fate->reason);
	else if (fate->going)
		return (0);
	else if (fate->increment != NULL &&
	    fate->increment->defect == ARCHIVE_SOUND)
		error_set(&why, EXIT_FAILED,
		    "%s@%s is the base of the stored increment %s", filesystem,
		    name, fate->increment->snapshot.name);
	else if (fate->increment != NULL)
		error_set(&why, EXIT_FAILED, "%s@%s is the base of the stored "
		    "increment %s, which is damaged", filesystem, name,
		    fate->increment->snapshot.name);
	else {
		archive_explain(destroy->damaged, &why);
		error_prefix(&why, "%s@%s may be the base of a damaged snapshot",
		    filesystem, name);
	}
	return (keep_text(&destroy->texts[index], &why, error));
}

/* Unless -1: those that can go are gone, and texts says why the others stay. */
static int
destroy_locked(struct destroy *destroy, int directory, struct error *error)
{
	const size_t wanted = destroy->request->n_snapshots;

	if (archive_list(directory, &destroy->list, error) == -1)
		return (-1);
	destroy->fates = calloc(destroy->list.count + 1, sizeof(*destroy->fates));
	destroy->wanted = calloc(wanted + 1, sizeof(*destroy->wanted));
	destroy->texts = calloc(wanted + 1, sizeof(*destroy->texts));
	if (destroy->fates == NULL || destroy->wanted == NULL ||
	    destroy->texts == NULL)
		return (error_errno(error, "snapshots"));
	if (choose(destroy, error) == -1 ||
	    remove_records(destroy, directory, error) == -1 ||
	    finish(destroy, directory, error) == -1)
		return (-1);
	for (size_t i = 0; i < wanted; i++)
		if (destroy->wanted[i] != NULL &&
		    explain(destroy, i, error) == -1)
			return (-1);
	return (0);
}

static void
destroy_free(struct destroy *destroy)
{
	for (size_t i = 0; destroy->texts != NULL &&
	    i < destroy->request->n_snapshots; i++)
		free(destroy->texts[i]);
	for (size_t i = 0; destroy->fates != NULL && i < destroy->list.count; i++)
		free(destroy->fates[i].reason);
	free(destroy->texts);
	free(destroy->wanted);
	free(destroy->fates);
	archive_list_free(&destroy->list);
}

int
archive_destroy(int root, const DestroySnapshotsReq *request,
    struct error *error)
{
	struct destroy destroy = { .request = request };
	int directory, lock, result;

	if (request_only_snapshots(request, error) == -1)
		return (-1);
	directory = archive_open_locked(root, request->filesystem, false, &lock,
	    error);
	if (directory == -1)
		return (-1);
	result = destroy_locked(&destroy, directory, error);
	/* Nobody waits for the reader of our answer. */
	close(lock);
	close(directory);
	if (result == 0)
		result = request_answer_destroyed(request, destroy.texts, error);
	destroy_free(&destroy);
	return (result);
}
