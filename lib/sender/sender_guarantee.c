/*
 * The sender's holds and bookmarks, which keep a step repeatable and the next one
 * possible.
 */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "format/fs_name.h"
#include "format/zrepl_name.h"
#include "sender/sender.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_hold.h"

#define BOOKMARK_SIZE (FS_NAME_MAX + 1 + ZREPL_NAME_SIZE)

/* --- cursors --- */

/* Does this bookmark exist, with the guid of that snapshot? */
static bool
has_bookmark(const struct sender_step *step, const char *name, uint64_t guid)
{
	const struct zfs_object *found = zfs_list_find(&step->list,
	    ZFS_BOOKMARK, name);

	return (found != NULL && found->guid == guid);
}

static int
make_cursor(const struct sender_step *step, enum zrepl_cursor kind,
    const struct zfs_object *snapshot, const char *job, struct error *error)
{
	static const char *const fine[] = { "': bookmark exists", NULL };
	char name[ZREPL_NAME_SIZE], bookmark[BOOKMARK_SIZE];
	struct zfs_arguments arguments;
	struct zfs_report report;
	int result;

	zrepl_cursor_name(name, kind, snapshot->guid, job);
	if (has_bookmark(step, name, snapshot->guid))
		return (0);
	snprintf(bookmark, sizeof(bookmark), "%s#%s", step->list.objects[0].name,
	    name);
	arguments = zfs_arguments("bookmark", snapshot->name, bookmark, NULL);
	result = zfs_run(&arguments, 0, NULL, &report, error);
	zfs_arguments_free(&arguments);
	/* Another call for the same step may have been quicker. */
	if (result == 0 && report.exit_code != 0 && (zfs_list_find(&step->list,
	    ZFS_BOOKMARK, name) != NULL || !zfs_words_all(&report, fine)))
		result = zfs_failed(&report, error);
	return (result);
}

bool
sender_is_cursor(const struct zfs_object *object, const char *job,
    enum zrepl_cursor kind)
{
	enum zrepl_cursor its_kind;
	const char *its_job;
	uint64_t guid;

	return (object->type == ZFS_BOOKMARK &&
	    zrepl_cursor_parse(object->version, &its_kind, &guid, &its_job) &&
	    its_kind == kind && strcmp(its_job, job) == 0 &&
	    guid == object->guid);
}

/* Destroy a bookmark; a failure is only printed on standard error. */
static void
destroy_bookmark(const char *bookmark)
{
	static const char *const fine[] = { "' does not exist.", NULL };
	struct zfs_arguments arguments = zfs_arguments("destroy", bookmark, NULL);
	struct zfs_report report;
	struct error error;
	int result;

	result = zfs_run(&arguments, 0, NULL, &report, &error);
	zfs_arguments_free(&arguments);
	if (result == 0 && report.exit_code != 0 && !zfs_words_all(&report, fine))
		result = zfs_failed(&report, &error);
	if (result == -1)
		diag("a stale bookmark stays: %s", error.text);
}

/*
 * Destroy this job's tentative cursors, except spare and, if keep is set, those of the
 * step's own snapshots.
 */
static void
destroy_tentative(const struct sender_step *step, const char *job, bool keep,
    const struct zfs_object *spare)
{
	const struct zfs_object *object;

	for (size_t i = 0; i < step->list.count; i++) {
		object = &step->list.objects[i];
		if (!sender_is_cursor(object, job, ZREPL_TENTATIVE_CURSOR) ||
		    object == spare)
			continue;
		if (keep && (object->guid == step->to->guid ||
		    (step->from != NULL && object->guid == step->from->guid)))
			continue;
		destroy_bookmark(object->name);
	}
}

/* --- the step --- */

int
sender_check_job(const struct sender *sender, struct error *error)
{
	if (sender->job != NULL)
		return (0);
	return (error_set(error, EXIT_USAGE,
	    "which job is this? Holds and cursors carry its name: -j JOB"));
}

/*
 * If the job has no cursor yet, only an attempt shows whether it can make one: the pool
 * may lack the feature, or the user the permission.
 */
static bool
cursors_untried(const struct sender_step *step, const char *job)
{
	const struct zfs_object *objects = step->list.objects;
	char name[ZREPL_NAME_SIZE];

	for (size_t i = 0; i < step->list.count; i++)
		if (sender_is_cursor(&objects[i], job, ZREPL_CURSOR))
			return (false);
	/* The name of a cursor proper is shorter. */
	zrepl_cursor_name(name, ZREPL_TENTATIVE_CURSOR, step->to->guid, job);
	return (strlen(objects[0].name) + 1 + strlen(name) <= FS_NAME_MAX);
}

int
sender_step_prepare(const struct sender_step *step,
    const struct sender *sender, struct error *error)
{
	const bool holds = step->guarantee ==
	    REPLICATION_GUARANTEE_KIND__GuaranteeResumability;
	const bool cursors = step->guarantee ==
	    REPLICATION_GUARANTEE_KIND__GuaranteeIncrementalReplication;
	bool try_one;
	/* The step's own snapshots. */
	const char *const own[] = { holds ? step->to->name : NULL,
	    step->from != NULL && step->from->type == ZFS_SNAPSHOT ?
	    step->from->name : NULL, NULL };
	char tag[ZREPL_NAME_SIZE];
	struct error stale;

	if (sender_check_job(sender, error) == -1)
		return (-1);
	/* Take holds last, so that an earlier failure leaves none. */
	if (cursors && step->from != NULL && step->from->type == ZFS_SNAPSHOT &&
	    make_cursor(step, ZREPL_TENTATIVE_CURSOR, step->from, sender->job,
	    error) == -1)
		return (-1);
	try_one = holds && cursors_untried(step, sender->job);
	if ((cursors || try_one) &&
	    make_cursor(step, ZREPL_TENTATIVE_CURSOR, step->to, sender->job,
	    error) == -1)
		return (-1);
	zrepl_hold_tag(tag, ZREPL_STEP_TAG, sender->job);
	if (holds && zfs_hold(tag, own, error) == -1)
		return (-1);
	if (zfs_release(tag, &step->list, own, &stale) == -1)
		diag("stale step holds stay: %s", stale.text);
	destroy_tentative(step, sender->job, cursors || try_one, step->from);
	return (0);
}

int
sender_step_complete(const struct sender_step *step,
    const struct sender *sender, struct error *error)
{
	const bool cursor = step->guarantee !=
	    REPLICATION_GUARANTEE_KIND__GuaranteeNothing;
	const char *const spare[] = { NULL };
	const struct zfs_object *object;
	char tag[ZREPL_NAME_SIZE];
	struct error stale;
	int result = 0;

	if (sender_check_job(sender, error) == -1)
		return (-1);
	if (cursor)
		result = make_cursor(step, ZREPL_CURSOR, step->to, sender->job,
		    error);
	zrepl_hold_tag(tag, ZREPL_STEP_TAG, sender->job);
	if (zfs_release(tag, &step->list, spare, &stale) == -1)
		diag("stale step holds stay: %s", stale.text);
	/* Without the new cursor the next increment may need the old ones. */
	if (result == -1)
		return (-1);
	destroy_tentative(step, sender->job, false, NULL);
	/* Destroy only older cursors, never one that is newer than To. */
	for (size_t i = 0; i < step->list.count; i++) {
		object = &step->list.objects[i];
		if (sender_is_cursor(object, sender->job, ZREPL_CURSOR) &&
		    (cursor ? object->createtxg < step->to->createtxg :
		    object->createtxg <= step->to->createtxg))
			destroy_bookmark(object->name);
	}
	return (0);
}
