#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "archive/archive_directory.h"
#include "archive/archive_list.h"
#include "archive/archive_receive.h"
#include "archive/archive_record.h"
#include "base/io.h"
#include "base/signals.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"
#include "format/zstream.h"

#define CHUNK (128u << 10)	/* bytes per read */

/* What ends us, once the part that is there so far has been removed. */
static const int ending[] = { SIGHUP, SIGINT, SIGTERM };
#define ENDING (sizeof(ending) / sizeof(ending[0]))

struct receive {
	int root;
	const ReceiveReq *request;
	struct error *error;
	int directory;			/* of the filesystem; -1: not yet */
	int file;			/* the stream so far; -1: not stored */
	char temporary[64];		/* its name */
	struct zstream stream;
	struct stream_digest *digest;	/* of that */
	bool present;			/* the archive has this snapshot already */
	uint64_t arrival;		/* the number that it gets */
};

/* --- signals --- */

static void
catch_signals(void)
{
	struct sigaction action;

	/* What nohup or a shell ignores stays so. */
	for (size_t i = 0; i < ENDING; i++)
		if (sigaction(ending[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			signals_catch(ending[i]);
}

/* Has one come? */
static int
check_signals(struct error *error)
{
	for (size_t i = 0; i < ENDING; i++)
		if (signals_take(ending[i]))
			return (error_set(error, EXIT_SIGNAL +
			    (unsigned)ending[i], "ended by signal %d", ending[i]));
	return (0);
}

/* --- the place --- */

/* The number for a snapshot, which is no younger for replacing itself. */
static uint64_t
arrival(const struct archive_list *list, const struct archive_entry *same,
    const FilesystemVersion *to)
{
	int64_t creation;

	if (same != NULL && same->defect != ARCHIVE_NO_RECORD &&
	    strcmp(same->snapshot.name, to->name) == 0 &&
	    rfc3339_parse(to->creation, &creation) &&
	    same->snapshot.creation == creation)
		return (same->snapshot.arrival);
	return (list->last_arrival + 1);
}

/* May this snapshot be added to what is there? */
static int
check_list(struct receive *receive, const struct archive_list *list)
{
	const FilesystemVersion *to = receive->request->to;
	const char *filesystem = receive->request->filesystem;
	const struct archive_entry *same = archive_find_name(list, to->name);
	const struct archive_entry *base;

	if (same != NULL && same->snapshot.guid != to->guid)
		return (error_set(receive->error, EXIT_FAILED, "%s@%s "
		    "already exists with other contents (guid %" PRIu64 ")",
		    filesystem, to->name, same->snapshot.guid));
	same = archive_find_guid(list, to->guid);
	/* What is damaged is replaced. */
	receive->present = same != NULL && same->defect == ARCHIVE_SOUND;
	receive->arrival = arrival(list, same, to);
	if (receive->present && strcmp(same->snapshot.name, to->name) != 0)
		return (error_set(receive->error, EXIT_FAILED,
		    "%s@%s already exists under the name %s",
		    filesystem, to->name, same->snapshot.name));
	if (receive->present || !receive->stream.begun ||
	    receive->stream.from_guid == 0)
		return (0);
	base = archive_find_guid(list, receive->stream.from_guid);
	if (base == NULL)
		return (error_set(receive->error, EXIT_FAILED, "%s lacks the "
		    "base of this increment, the snapshot with guid %" PRIu64,
		    filesystem, receive->stream.from_guid));
	if (base->defect != ARCHIVE_SOUND) {
		archive_explain(base, receive->error);
		return (error_prefix(receive->error,
		    "%s: the base of this increment cannot be used", filesystem));
	}
	return (0);
}

static int
check_place(struct receive *receive)
{
	struct archive_list list;
	int result;

	if (archive_list(receive->directory, &list, receive->error) == -1)
		return (-1);
	result = check_list(receive, &list);
	archive_list_free(&list);
	return (result);
}

/* The stream's own words against the request's. */
static int
check_stream(const struct receive *receive)
{
	const FilesystemVersion *to = receive->request->to;
	const struct zstream *stream = &receive->stream;
	int64_t creation = 0;

	if (stream->to_guid != to->guid)
		return (error_set(receive->error, EXIT_FAILED, "the stream is of "
		    "the snapshot with guid %" PRIu64 ", not %" PRIu64,
		    stream->to_guid, to->guid));
	if (strcmp(zstream_snapshot(stream), to->name) != 0)
		return (error_set(receive->error, EXIT_FAILED,
		    "the stream is of the snapshot \"%s\", not \"%s\"",
		    zstream_snapshot(stream), to->name));
	rfc3339_parse(to->creation, &creation);
	if (stream->creation != creation)
		return (error_set(receive->error, EXIT_FAILED, "the stream's "
		    "snapshot was made at second %" PRId64 ", not %" PRId64,
		    stream->creation, creation));
	if (creation < 0 || creation > RFC3339_LAST)
		return (error_set(receive->error, EXIT_FAILED, "the stream's "
		    "snapshot was made in no year of 1970 to 9999"));
	return (0);
}

/* A file of our own; that it is locked says that we live. */
static int
open_temporary(struct receive *receive)
{
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(receive->temporary, sizeof(receive->temporary),
		    ARCHIVE_RECEIVING "%ld.%u", (long)getpid(), i);
		receive->file = openat(receive->directory, receive->temporary,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (receive->file != -1 || errno != EEXIST)
			break;
	}
	if (receive->file == -1 || flock(receive->file, LOCK_EX | LOCK_NB) == -1)
		return (error_errno(receive->error, "archive: %s",
		    receive->temporary));
	return (0);
}

/* Make the place, see whether it is free, and begin. */
static int
begin(struct receive *receive)
{
	int lock, result = -1;

	receive->directory = archive_open_locked(receive->root,
	    receive->request->filesystem, true, &lock, receive->error);
	if (receive->directory == -1)
		return (-1);
	if (check_place(receive) == 0)
		result = receive->present ? 0 : open_temporary(receive);
	close(lock);
	return (result);
}

/* --- the stream --- */

static int
take(struct receive *receive, const uint8_t *bytes, size_t length)
{
	const bool known = receive->stream.begun;

	if (zstream_feed(&receive->stream, bytes, length, receive->error) == -1)
		return (-1);
	/* As soon as it is known what it is: no gigabytes in vain. */
	if (!known && receive->stream.begun &&
	    (check_stream(receive) == -1 || check_place(receive) == -1))
		return (-1);
	if (receive->file == -1)
		return (0);
	if (io_write_all(receive->file, bytes, length, IO_FOREVER,
	    receive->error) == -1)
		return (error_prefix(receive->error, "cannot store the stream"));
	return (0);
}

/* Wait for bytes: 1 if some have come, 0 if not, -1 if we are to wait no longer. */
static int
await_bytes(struct receive *receive, int fd, struct verdict *verdict,
    struct progress *progress)
{
	struct pollfd entries[2] = { { .fd = fd, .events = POLLIN },
	    { .fd = verdict->fd, .events = POLLIN } };

	io_poll(entries, 2, io_earlier(progress_deadline(progress),
	    verdict_deadline(verdict)));
	progress_tick(progress, receive->stream.offset, io_now());
	if (entries[1].revents != 0)
		verdict_read(verdict);
	if (check_signals(receive->error) == -1 ||
	    verdict_check(verdict, receive->error) == -1)
		return (-1);
	return (entries[0].revents != 0);
}

static int
copy(struct receive *receive, int fd, struct verdict *verdict,
    struct progress *progress)
{
	uint8_t *buffer = malloc(CHUNK);
	ssize_t got = 1;
	int result = 0, ready;

	if (buffer == NULL)
		return (error_errno(receive->error, "archive"));
	while (result == 0 && got > 0) {
		ready = await_bytes(receive, fd, verdict, progress);
		if (ready == 1)
			got = io_read(fd, buffer, CHUNK);
		if (ready == -1)
			result = -1;
		else if (ready == 1 && got > 0)
			result = take(receive, buffer, (size_t)got);
	}
	free(buffer);
	if (result == -1)
		return (-1);
	if (got == -1)
		return (error_errno(receive->error, "cannot read the stream"));
	progress_end(progress, receive->stream.offset);
	return (zstream_finish(&receive->stream, receive->error));
}

/* verdict_wait(), which a signal ends. */
static int
await_verdict(struct verdict *verdict, struct error *error)
{
	struct pollfd entry = { .fd = verdict->fd, .events = POLLIN };

	while (verdict->state == VERDICT_PENDING) {
		io_poll(&entry, 1, IO_FOREVER);
		if (check_signals(error) == -1)
			return (-1);
		if (entry.revents != 0)
			verdict_read(verdict);
	}
	return (verdict_wait(verdict, IO_FOREVER, error));
}

/* Store it, if nothing has changed that forbids it.  The lock is held. */
static int
finish_locked(struct receive *receive)
{
	const FilesystemVersion *to = receive->request->to;
	struct archive_snapshot snapshot = { .guid = to->guid,
	    .from_guid = receive->stream.from_guid, .createtxg = to->createtxg,
	    .creation = receive->stream.creation, .size = receive->stream.offset };

	strlcpy(snapshot.name, to->name, sizeof(snapshot.name));
	/* Another writer may have been quicker, or have removed the base. */
	if (check_place(receive) == -1)
		return (-1);
	if (receive->present)
		return (0);
	if (receive->file == -1)
		return (error_set(receive->error, EXIT_FAILED, "%s@%s was there and "
		    "has been destroyed while it was received: send it again",
		    receive->request->filesystem, to->name));
	snapshot.arrival = receive->arrival;
	archive_record_add_digest(&snapshot, receive->digest);
	return (archive_commit(receive->directory, receive->temporary, &snapshot,
	    receive->error));
}

static int
finish(struct receive *receive)
{
	int lock, result;

	if (receive->file != -1 && fsync(receive->file) == -1)
		return (error_errno(receive->error, "cannot store the stream"));
	lock = archive_lock(receive->directory, true);
	if (lock == -1)
		return (error_errno(receive->error, "archive: %s", ARCHIVE_LOCK));
	result = finish_locked(receive);
	close(lock);
	return (result);
}

int
archive_receive(int root, const ReceiveReq *request, int fd,
    struct verdict *verdict, struct progress *progress, struct error *error)
{
	struct receive receive = { .root = root, .request = request,
	    .error = error, .directory = -1, .file = -1 };
	int result = -1;

	zstream_init(&receive.stream, "kept");
	if (request->to->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		return (error_set(error, EXIT_FAILED,
		    "version \"%s\" is not a snapshot", request->to->name));
	if (!fs_name_valid_snapshot(request->to->name))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a snapshot", request->to->name));
	receive.digest = stream_digest_new(NULL, NULL);
	if (receive.digest == NULL)
		return (error_errno(error, "archive"));
	stream_digest_attach(receive.digest, &receive.stream);
	catch_signals();
	if (begin(&receive) == 0 && copy(&receive, fd, verdict,
	    progress) == 0 && await_verdict(verdict, error) == 0)
		result = finish(&receive);
	if (receive.file != -1) {
		/* Gone already where it was committed. */
		unlinkat(receive.directory, receive.temporary, 0);
		close(receive.file);
	}
	io_close(&receive.directory);
	stream_digest_free(receive.digest);
	if (result == -1) {
		/* It may have been that which ended the wait for a lock. */
		if (error->code == EXIT_SYSTEM)
			check_signals(error);
		archive_tidy(root, request->filesystem);
	}
	return (result);
}
