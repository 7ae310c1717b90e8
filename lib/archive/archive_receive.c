#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_receive.h"
#include "base/io.h"
#include "message/rfc3339.h"
#include "zfs/fs_name.h"
#include "zfs/zstream.h"

#define CHUNK (128u << 10)	/* bytes per read */

struct receive {
	const ReceiveReq *request;
	struct error *error;
	int directory;			/* of the filesystem */
	int file;			/* the stream so far; -1: not stored */
	char temporary[64];		/* its name */
	struct zstream stream;
	bool present;			/* the archive has this snapshot already */
};

/* May this snapshot be added to what is there?  The lock is held. */
static int
check_place(struct receive *receive)
{
	const FilesystemVersion *to = receive->request->to;
	const struct archive_snapshot *same;
	struct archive_list list;
	int result = 0;

	if (archive_list(receive->directory, &list, receive->error) == -1)
		return (-1);
	receive->present = false;
	if ((same = archive_find_name(&list, to->name)) != NULL) {
		receive->present = same->guid == to->guid;
		if (!receive->present)
			result = error_set(receive->error, EXIT_FAILED, "%s@%s is "
			    "there already with other contents (guid %" PRIu64
			    ")", receive->request->filesystem, to->name, same->guid);
	} else if ((same = archive_find_guid(&list, to->guid)) != NULL)
		result = error_set(receive->error, EXIT_FAILED,
		    "%s@%s is there already under the name %s",
		    receive->request->filesystem, to->name, same->name);
	else if (receive->stream.begun && receive->stream.from_guid != 0 &&
	    archive_find_guid(&list, receive->stream.from_guid) == NULL)
		result = error_set(receive->error, EXIT_FAILED, "%s lacks the "
		    "base of this increment, the snapshot with guid %" PRIu64,
		    receive->request->filesystem, receive->stream.from_guid);
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
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
		if (receive->file != -1 || errno != EEXIST)
			break;
	}
	if (receive->file == -1 || flock(receive->file, LOCK_EX | LOCK_NB) == -1)
		return (error_errno(receive->error, "archive: %s",
		    receive->temporary));
	return (0);
}

/* Clean up after others, see whether there is a place, and begin. */
static int
begin(struct receive *receive)
{
	int lock = archive_lock(receive->directory, receive->error);
	int result = -1;

	if (lock == -1)
		return (-1);
	if (archive_clean(receive->directory, receive->error) == 0 &&
	    check_place(receive) == 0)
		result = receive->present ? 0 : open_temporary(receive);
	close(lock);
	return (result);
}

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

static int
copy(struct receive *receive, int fd, struct progress *progress)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	uint8_t *buffer = malloc(CHUNK);
	ssize_t got = 1;
	int result = 0, ready;

	if (buffer == NULL)
		return (error_errno(receive->error, "archive"));
	while (result == 0 && got > 0) {
		ready = io_poll(&entry, 1, progress_deadline(progress));
		progress_tick(progress, receive->stream.offset, io_now());
		if (ready == 0)
			continue;
		got = io_read(fd, buffer, CHUNK);
		result = got > 0 ? take(receive, buffer, (size_t)got) : 0;
	}
	free(buffer);
	if (result == -1)
		return (-1);
	if (got == -1)
		return (error_errno(receive->error, "cannot read the stream"));
	progress_end(progress, receive->stream.offset);
	return (zstream_finish(&receive->stream, receive->error));
}

static int
finish(struct receive *receive)
{
	const FilesystemVersion *to = receive->request->to;
	struct archive_snapshot snapshot = { .guid = to->guid,
	    .from_guid = receive->stream.from_guid, .createtxg = to->createtxg,
	    .creation = receive->stream.creation, .size = receive->stream.offset };
	int lock, result = -1;

	if (receive->file == -1)
		return (0);
	strlcpy(snapshot.name, to->name, sizeof(snapshot.name));
	if (fsync(receive->file) == -1)
		return (error_errno(receive->error, "cannot store the stream"));
	lock = archive_lock(receive->directory, receive->error);
	if (lock == -1)
		return (-1);
	/* Another writer may have been quicker, or have removed the base. */
	if (check_place(receive) == 0)
		result = receive->present ? 0 : archive_commit(receive->directory,
		    receive->temporary, &snapshot, receive->error);
	close(lock);
	return (result);
}

int
archive_receive(int root, const ReceiveReq *request, int fd,
    struct verdict *verdict, struct progress *progress, struct error *error)
{
	struct receive receive = { .request = request, .error = error,
	    .directory = -1, .file = -1 };
	int result = -1;

	zstream_init(&receive.stream);
	if (request->to->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		return (error_set(error, EXIT_FAILED,
		    "version \"%s\" is not a snapshot", request->to->name));
	if (!fs_name_valid_snapshot(request->to->name))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a snapshot", request->to->name));
	receive.directory = archive_open_filesystem(root, request->filesystem,
	    true, error);
	if (receive.directory == -1)
		return (-1);
	if (begin(&receive) == 0 && copy(&receive, fd, progress) == 0 &&
	    verdict_wait(verdict, IO_FOREVER, error) == 0)
		result = finish(&receive);
	if (receive.file != -1) {
		/* Gone already where it was committed. */
		unlinkat(receive.directory, receive.temporary, 0);
		close(receive.file);
	}
	close(receive.directory);
	return (result);
}
