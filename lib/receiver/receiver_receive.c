/*
 * Receiving one stream.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "format/resume_token.h"
#include "format/zrepl_name.h"
#include "message/request_check.h"
#include "receiver/receiver.h"
#include "receiver/receiver_recv.h"
#include "zfs/stream_peek.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_hold.h"
#include "zfs/zfs_object.h"

#define SNAPSHOT_SIZE (2 * (FS_NAME_MAX + 1))

enum target {
	TARGET_NONE,		/* the filesystem does not exist */
	TARGET_FILESYSTEM,
	TARGET_PLACEHOLDER
};

enum beside {
	BESIDE_NOTHING,
	BESIDE_SAVED,		/* part of a stream, which can go on */
	BESIDE_STALE		/* part of a stream that is to be given up */
};

struct receive {
	const struct receiver *receiver;
	const ReceiveReq *request;
	struct error *error;
	char local[FS_NAME_MAX + 1];		/* the filesystem */
	char snapshot[SNAPSHOT_SIZE];		/* and its new snapshot */
	struct zfs_list list;			/* it and its versions, before */
	enum target target;
	ReplicationGuaranteeKind guarantee;
	struct stream_head head;		/* how the stream begins */
	bool head_taken;			/* it was read from standard input */
	char incoming[FS_NAME_MAX + 1];		/* its name beside a placeholder; */
	enum beside beside;			/* the state of that filesystem */
	struct progress progress;
	bool done;				/* it has the snapshot already */
};

/* Check the whole request, before anything is changed. */
static int
check(struct receive *receive)
{
	const ReceiveReq *request = receive->request;
	const ReplicationConfigProtection *protection =
	    request->replicationconfig->protection;

	if (receiver_local_name(receive->receiver, request->filesystem, receive->local,
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

/* Has the filesystem saved state, part of a stream? */
static bool
is_saved(const struct zfs_list *list)
{
	return (list->count > 0 && list->objects[0].resume_token[0] != '\0');
}

/* Has it no snapshot, and saved state of a full stream? */
static bool
full_stream_saved(const struct zfs_list *list)
{
	struct resume_token token;
	struct error error;

	return (is_saved(list) && zfs_list_find(list, ZFS_SNAPSHOT, NULL) == NULL &&
	    resume_token_decode(&token, list->objects[0].resume_token, &error) == 0 &&
	    token.from_guid == 0);
}

static int
read_filesystem(struct receive *receive)
{
	zfs_list_free(&receive->list);
	return (zfs_filesystem_read(&receive->list, receive->local,
	    ZFS_WANT_HOLDS | ZFS_WANT_TOKEN | ZFS_WANT_PLACEHOLDER |
	    ZFS_WANT_ENCRYPTION, true, receive->error));
}

/*
 * Find the filesystem that an earlier call received beside the placeholder.  If that was
 * incomplete, it is continued or given up; if it was complete, it only has to take its
 * place.
 */
static int
look_beside(struct receive *receive)
{
	struct zfs_list list;
	int result;

	if (snprintf(receive->incoming, sizeof(receive->incoming), "%s%s",
	    receive->local, RECEIVER_INCOMING_SUFFIX) > FS_NAME_MAX) {
		receive->incoming[0] = '\0';
		return (0);	/* then none exists, and none can be made */
	}
	result = zfs_filesystem_read(&list, receive->incoming, ZFS_WANT_TOKEN,
	    true, receive->error);
	if (result == -1 || list.count == 0)
		goto out;
	if (zfs_list_find(&list, ZFS_SNAPSHOT, NULL) != NULL) {
		result = receiver_take_place(receive->receiver, receive->incoming,
		    receive->local, receive->error);
		if (result == 0)
			result = read_filesystem(receive);
	} else if (receive->request->clearresumetoken)
		receive->beside = BESIDE_STALE;
	else if (is_saved(&list))
		receive->beside = BESIDE_SAVED;
out:
	zfs_list_free(&list);
	return (result);
}

/*
 * Read the head of the stream, before anything is changed, and before looking at the
 * existing filesystem, which may change while we wait for the stream.
 */
static int
look_ahead(struct receive *receive, struct verdict *verdict)
{
	const struct zstream *stream = &receive->head.stream;

	if (stream_peek(STDIN_FILENO, &receive->head, &receive->head_taken,
	    verdict, receive->error) == -1)
		return (-1);
	if (stream->to_guid != receive->request->to->guid)
		return (error_set(receive->error, EXIT_FAILED, "the stream is of "
		    "the snapshot with guid %" PRIu64 ", not %" PRIu64,
		    stream->to_guid, receive->request->to->guid));
	return (0);
}

static enum target
target_in(const struct zfs_list *list)
{
	return (list->count == 0 ? TARGET_NONE :
	    list->objects[0].placeholder ? TARGET_PLACEHOLDER : TARGET_FILESYSTEM);
}

/* Does the filesystem have the snapshot already, because the last answer was lost? */
static int
look_for_snapshot(struct receive *receive)
{
	const FilesystemVersion *to = receive->request->to;
	const struct zfs_object *same = zfs_list_find(&receive->list, ZFS_SNAPSHOT,
	    to->name);

	receive->done = same != NULL;
	if (same == NULL || same->guid == to->guid)
		return (0);
	return (error_set(receive->error, EXIT_FAILED, "\"%s@%s\" already exists, with "
	    "guid %" PRIu64 ", not %" PRIu64 ": on the sender that name is another "
	    "snapshot's now; on the receiver rename the old one as it was renamed "
	    "there, or destroy it if it was destroyed there",
	    receive->request->filesystem, to->name, same->guid, to->guid));
}

/* Look at the existing filesystem. */
static int
look(struct receive *receive)
{
	const ReplicationConfigProtection *protection =
	    receive->request->replicationconfig->protection;

	if (read_filesystem(receive) == -1 ||
	    (target_in(&receive->list) != TARGET_FILESYSTEM &&
	    look_beside(receive) == -1))
		return (-1);
	receive->target = target_in(&receive->list);
	receive->guarantee = receive->target == TARGET_NONE ?
	    protection->initial : protection->incremental;
	return (receive->target == TARGET_FILESYSTEM ? look_for_snapshot(receive) : 0);
}

/* Is there saved state that a stream can continue? */
static bool
has_saved_state(const struct receive *receive)
{
	return (receive->beside == BESIDE_SAVED || is_saved(&receive->list));
}

static bool
is_full(const struct receive *receive)
{
	return (receive->head.stream.from_guid == 0);
}

/* Does the stream fit?  Only checks that zfs would make too late. */
static int
check_stream(const struct receive *receive)
{
	if ((receive->head.stream.features & ZSTREAM_RESUMING) != 0) {
		if (receive->request->clearresumetoken)
			return (error_set(receive->error, EXIT_FAILED, "the stream "
			    "goes on with one that ClearResumeToken gives up"));
		if (!has_saved_state(receive))
			return (error_set(receive->error, EXIT_FAILED, "the stream "
			    "goes on with one of which nothing is left here"));
	}
	if (is_full(receive) && receive->target == TARGET_FILESYSTEM &&
	    !has_saved_state(receive))
		return (receiver_check_copied_placeholder(receive->local,
		    receive->error));
	return (0);
}

/*
 * Give up saved state that the sender does not continue.  If that stream was to replace a
 * placeholder, a filesystem without snapshots is left, which no longer has the
 * placeholder's property but is treated as a placeholder.
 */
static int
abort_saved_state(struct receive *receive)
{
	const bool full = full_stream_saved(&receive->list);
	int result;

	if (receive->beside == BESIDE_STALE &&
	    receiver_recv_abort(receive->incoming, receive->error) == -1)
		return (-1);
	if (!receive->request->clearresumetoken || !is_saved(&receive->list))
		return (0);
	result = receiver_recv_abort(receive->local, receive->error);
	if (result == 0)
		result = read_filesystem(receive);
	if (result == 0)
		receive->target = target_in(&receive->list);
	if (full && receive->target == TARGET_FILESYSTEM)
		receive->target = TARGET_PLACEHOLDER;
	return (result);
}

/* --- over a placeholder --- */

/* A full stream that takes the place of a placeholder, from its beginning. */
static bool
replaces(const struct receive *receive)
{
	return (receive->target == TARGET_PLACEHOLDER && is_full(receive) &&
	    !is_saved(&receive->list));
}

/* Encrypted and unencrypted cannot replace each other in place. */
static bool
goes_beside(const struct receive *receive)
{
	return (receive->beside == BESIDE_SAVED || (replaces(receive) &&
	    receive->incoming[0] != '\0' &&
	    ((receive->head.stream.features & ZSTREAM_RAW) != 0 ||
	    receive->list.objects[0].encrypted)));
}

/* --- the stream --- */

static int
receive_as(struct receive *receive, const char *snapshot, enum recv_flags flags,
    struct verdict *verdict)
{
	if (receive->head_taken)
		flags |= RECV_HEAD_TAKEN;
	return (receiver_recv(receive->receiver, snapshot, &receive->head, flags,
	    verdict, &receive->progress, receive->error));
}

static int
receive_beside(struct receive *receive, struct verdict *verdict)
{
	char snapshot[SNAPSHOT_SIZE];

	snprintf(snapshot, sizeof(snapshot), "%s@%s", receive->incoming,
	    receive->request->to->name);
	if (receive_as(receive, snapshot, 0, verdict) == -1)
		return (-1);
	return (receiver_take_place(receive->receiver, receive->incoming,
	    receive->local, receive->error));
}

static int
receive_in_place(struct receive *receive, struct verdict *verdict)
{
	const bool placeholder = receive->target == TARGET_PLACEHOLDER;
	enum recv_flags flags = 0;

	/* Only for a full stream: an increment needs the existing snapshots. */
	if (replaces(receive) &&
	    receiver_empty_placeholder(&receive->list, receive->error) == -1)
		return (-1);
	/*
	 * A stream that began over a placeholder is continued in the same way.  Never
	 * for an increment: zfs would destroy every snapshot after its base.
	 */
	if (is_full(receive) && (placeholder || full_stream_saved(&receive->list)))
		flags |= RECV_FORCE;
	if (placeholder)
		flags |= RECV_NO_PLACEHOLDER;
	return (receive_as(receive, receive->snapshot, flags, verdict));
}

/* Receive the stream and wait for the producer's verdict. */
static int
take_stream(struct receive *receive, struct verdict *verdict)
{
	const bool existed = receive->target != TARGET_NONE;

	if (check_stream(receive) == -1 || abort_saved_state(receive) == -1 ||
	    (!existed && receiver_make_parents(receive->receiver,
	    receive->local, receive->error) == -1) ||
	    (goes_beside(receive) ? receive_beside(receive, verdict) :
	    receive_in_place(receive, verdict)) == -1)
		return (-1);
	zfs_let_go();
	return (verdict_wait(verdict, IO_FOREVER, receive->error));
}

/* --- afterwards --- */

/* Move this job's last-received hold: take the new one, then release the old one. */
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

	if (verdict_open(&verdict, error) == -1 ||
	    progress_open(&receive.progress, io_now(), error) == -1)
		return (-1);
	stream_head_init(&receive.head);
	result = check(&receive);
	if (result == 0)
		result = look_ahead(&receive, &verdict);
	if (result == 0)
		result = look(&receive);
	if (result == 0 && !receive.done)
		result = take_stream(&receive, &verdict);
	if (result == 0)
		result = move_hold(&receive);
	verdict_free(&verdict);
	stream_head_free(&receive.head);
	zfs_list_free(&receive.list);
	return (result);
}
