/*
 * Receiving one stream.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "io.h"
#include "receiver.h"
#include "request_check.h"
#include "stream_peek.h"
#include "verdict.h"
#include "zfs_command.h"
#include "zfs_hold.h"
#include "zfs_object.h"
#include "zrepl_name.h"

#define SNAPSHOT_SIZE (2 * (FS_NAME_MAX + 1))

struct receive {
	const struct receiver *receiver;
	const ReceiveReq *request;
	struct error *error;
	char local[FS_NAME_MAX + 1];		/* the filesystem */
	char snapshot[SNAPSHOT_SIZE];		/* and what it will get */
	struct zfs_list list;			/* what was there before */
	bool existed;
	bool placeholder;			/* and was one */
	ReplicationGuaranteeKind guarantee;
	struct zstream begin;			/* how the stream begins, */
	bool known;				/* if that could be seen */
};

/* The whole request, before anything is touched. */
static int
check(struct receive *receive)
{
	const ReceiveReq *request = receive->request;
	const ReplicationConfigProtection *protection =
	    request->replicationconfig->protection;

	if (receiver_local(receive->receiver, request->filesystem, receive->local,
	    receive->error) == -1)
		return (-1);
	if (request->to->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		return (error_set(receive->error, EXIT_FAILED,
		    "To is not a snapshot: \"%s\"", request->to->name));
	if (!fs_name_valid_snapshot(request->to->name) ||
	    snprintf(receive->snapshot, sizeof(receive->snapshot), "%s@%s",
	    receive->local, request->to->name) > FS_NAME_MAX)
		return (error_set(receive->error, EXIT_FAILED, "\"%s\" is not the "
		    "name of a snapshot, or is too long for this receiver",
		    request->to->name));
	if (request_check_guarantees(request->replicationconfig,
	    receive->error) == -1)
		return (-1);
	if (receive->receiver->job == NULL && (protection->initial !=
	    REPLICATION_GUARANTEE_KIND__GuaranteeNothing ||
	    protection->incremental != REPLICATION_GUARANTEE_KIND__GuaranteeNothing))
		return (error_set(receive->error, EXIT_USAGE, "which job is this? "
		    "The last-received hold carries its name: -j JOB"));
	return (0);
}

/* What is there, and what kind of stream this is. */
static int
look(struct receive *receive)
{
	const ReplicationConfigProtection *protection =
	    receive->request->replicationconfig->protection;

	if (zfs_filesystem_read(&receive->list, receive->local, ZFS_WANT_HOLDS |
	    ZFS_WANT_TOKEN | ZFS_WANT_PLACEHOLDER | ZFS_WANT_ENCRYPTION, true,
	    receive->error) == -1)
		return (-1);
	receive->existed = receive->list.count > 0;
	receive->placeholder = receive->existed &&
	    receive->list.objects[0].placeholder;
	receive->guarantee = receive->existed ? protection->incremental :
	    protection->initial;
	if (!receive->existed && receiver_make_parents(receive->receiver,
	    receive->local, receive->error) == -1)
		return (-1);
	receive->known = stream_peek(STDIN_FILENO, &receive->begin);
	if (receive->known && receive->begin.to_guid != receive->request->to->guid)
		return (error_set(receive->error, EXIT_FAILED, "the stream is of "
		    "the snapshot with guid %" PRIu64 ", not %" PRIu64,
		    receive->begin.to_guid, receive->request->to->guid));
	return (0);
}

/* Saved state that the sender does not go on with. */
static int
abort_saved_state(struct receive *receive)
{
	static const char *const fine[] = {
		"does not have any resumable receive state to abort", NULL
	};
	struct zfs_arguments arguments;
	struct zfs_report report;
	int result;

	if (!receive->request->clearresumetoken || !receive->existed ||
	    receive->list.objects[0].resume_token[0] == '\0')
		return (0);
	arguments = zfs_arguments("recv", "-A", receive->local, NULL);
	result = zfs_run(&arguments, 0, NULL, &report, receive->error);
	zfs_arguments_free(&arguments);
	if (result == 0 && report.exit_code != 0 && !zfs_words_all(&report, fine))
		result = zfs_failed(&report, receive->error);
	return (result);
}

/* --- over a placeholder --- */

static int
set_placeholder(const char *local, const char *setting, enum zfs_flags flags,
    struct error *error)
{
	struct zfs_arguments arguments = zfs_arguments("set", setting, local, NULL);
	int result = zfs_do(&arguments, flags, error);

	zfs_arguments_free(&arguments);
	return (result);
}

/* A placeholder has no snapshots of its own; somebody may have made some. */
static int
remove_snapshots(const struct receive *receive)
{
	const char *oldest = NULL;
	struct zfs_arguments arguments;
	int result;

	for (size_t i = 0; i < receive->list.count && oldest == NULL; i++)
		if (receive->list.objects[i].type == ZFS_SNAPSHOT)
			oldest = receive->list.objects[i].name;
	if (oldest == NULL)
		return (0);
	arguments = zfs_arguments("rollback", "-r", oldest, NULL);
	result = zfs_do(&arguments, 0, receive->error);
	zfs_arguments_free(&arguments);
	if (result == -1)
		return (-1);
	arguments = zfs_arguments("destroy", oldest, NULL);
	result = zfs_do(&arguments, 0, receive->error);
	zfs_arguments_free(&arguments);
	return (result);
}

/* Does the filesystem hold state that a later stream can go on from? */
static bool
has_saved_state(const struct receive *receive)
{
	const char *const names[] = { receive->local, NULL };
	struct zfs_list list;
	struct error error;
	bool saved;

	saved = zfs_list_read(&list, names, "0", "filesystem,volume",
	    ZFS_WANT_TOKEN, true, &error) == 0 && list.count == 1 &&
	    list.objects[0].resume_token[0] != '\0';
	zfs_list_free(&list);
	return (saved);
}

/* --- zfs recv --- */

static int
run_recv(const struct receive *receive, bool force)
{
	const struct receiver *receiver = receive->receiver;
	struct zfs_arguments arguments = zfs_arguments("recv", NULL);
	int result;

	if (force)
		zfs_arguments_add(&arguments, "-F");
	if (!receiver->not_resumable)
		zfs_arguments_add(&arguments, "-s");
	if (receiver->unmounted)
		zfs_arguments_add(&arguments, "-u");
	for (size_t i = 0; i < receiver->option_count; i++)
		zfs_arguments_add(&arguments, receiver->options[i]);
	zfs_arguments_add(&arguments, receive->snapshot);
	result = zfs_do(&arguments, ZFS_READ_INPUT, receive->error);
	zfs_arguments_free(&arguments);
	return (result);
}

static int
receive_over_placeholder(struct receive *receive)
{
	/* An increment needs the snapshots that are there. */
	const bool full = !receive->known || receive->begin.from_guid == 0;
	const bool resumed = receive->list.objects[0].resume_token[0] != '\0' &&
	    !receive->request->clearresumetoken;
	struct error error;
	int result;

	if (set_placeholder(receive->local, ZREPL_PLACEHOLDER_PROPERTY "=off", 0,
	    receive->error) == -1)
		return (-1);
	result = full && !resumed ? remove_snapshots(receive) : 0;
	if (result == 0)
		result = run_recv(receive, full);
	if (result == -1 && !has_saved_state(receive) &&
	    set_placeholder(receive->local, ZREPL_PLACEHOLDER_PROPERTY "=on",
	    ZFS_CLEANING, &error) == -1)
		diag("%s is no placeholder any more: %s", receive->local, error.text);
	return (result);
}

/* --- afterwards --- */

/* The snapshot must be the one that was promised. */
static int
verify(const struct receive *receive)
{
	const char *const names[] = { receive->snapshot, NULL };
	struct zfs_list list;
	int result = 0;

	if (receive->known)
		return (0);	/* the stream said so before it was received */
	result = zfs_list_read(&list, names, "0", "snapshot", ZFS_WANT_IDENTITY,
	    false, receive->error);
	if (result == 0 && (list.count != 1 ||
	    list.objects[0].guid != receive->request->to->guid))
		result = error_set(receive->error, EXIT_FAILED, "%s was received "
		    "with guid %" PRIu64 ", not %" PRIu64, receive->snapshot,
		    list.count == 1 ? list.objects[0].guid : 0,
		    receive->request->to->guid);
	zfs_list_free(&list);
	return (result);
}

/* This job's last-received hold: the new one before the old one goes. */
static int
move_hold(const struct receive *receive)
{
	const char *const own[] = { receive->snapshot, NULL };
	char tag[ZREPL_NAME_SIZE];
	struct error error;

	if (receive->receiver->job == NULL)
		return (0);
	zrepl_hold_tag(tag, ZREPL_LAST_RECEIVED_TAG, receive->receiver->job);
	if (receive->guarantee != REPLICATION_GUARANTEE_KIND__GuaranteeNothing &&
	    zfs_hold(tag, own, receive->error) == -1)
		return (-1);
	if (zfs_release(tag, &receive->list, own, &error) == -1)
		diag("an old last-received hold stays: %s", error.text);
	return (0);
}

int
receiver_receive(const struct receiver *receiver, const ReceiveReq *request,
    struct error *error)
{
	struct receive receive = { .receiver = receiver, .request = request,
	    .error = error, .list.text = BUFFER_EMPTY(ZFS_OUTPUT_MAX) };
	struct verdict verdict;
	int result;

	if (verdict_open(&verdict, error) == -1)
		return (-1);
	result = check(&receive);
	if (result == 0)
		result = look(&receive);
	if (result == 0)
		result = abort_saved_state(&receive);
	if (result == 0)
		result = receive.placeholder ? receive_over_placeholder(&receive) :
		    run_recv(&receive, false);
	if (result == 0)
		result = verdict_wait(&verdict, IO_FOREVER, error);
	if (result == 0)
		result = verify(&receive);
	if (result == 0)
		result = move_hold(&receive);
	verdict_free(&verdict);
	zfs_list_free(&receive.list);
	return (result);
}
