#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "archive/archive_directory.h"
#include "archive/archive_list.h"
#include "archive/archive_send.h"
#include "base/io.h"

#define COPY_CHUNK (256u << 10)

/* Is it stored in the form that the request asks for? */
static int
check_base(const SendReq *request, const struct archive_snapshot *to,
    struct error *error)
{
	if (request->from == NULL && to->from_guid != 0)
		return (error_set(error, EXIT_FAILED, "%s@%s is kept as an "
		    "increment of the snapshot with guid %" PRIu64 ": send that "
		    "one first", request->filesystem, to->name, to->from_guid));
	if (request->from != NULL && request->from->guid != to->from_guid)
		return (error_set(error, EXIT_FAILED, "%s@%s is kept %s, not as "
		    "an increment of %s", request->filesystem, to->name,
		    to->from_guid == 0 ? "in full" : "as another increment",
		    request->from->name));
	return (0);
}

/* A snapshot whose own stream is whole can be sent, even without its base. */
static int
open_stream(int directory, const struct archive_entry *to, struct error *error)
{
	char name[ARCHIVE_FILE_MAX];
	int stream;

	if (to->defect == ARCHIVE_NO_STREAM || to->defect == ARCHIVE_MARKED)
		return (archive_explain(to, error));
	archive_file_name(name, to->snapshot.guid, ARCHIVE_STREAM_SUFFIX);
	stream = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return (stream == -1 ? error_errno(error, "archive: %s", name) : stream);
}

/*
 * Find the stream by the snapshot's own record, if that agrees with the request, without
 * reading the others, of which there may be many.  1 if it was found.
 */
static int
open_named(int directory, const SendReq *request, uint64_t *size, int *stream,
    struct error *error)
{
	const FilesystemVersion *to = request->to;
	struct archive_entry entry;
	int found = 0;

	if (to->type == FILESYSTEM_VERSION__VERSION_TYPE__Snapshot && to->guid != 0)
		found = archive_read_entry(directory, to->guid, &entry, error);
	if (found != 1 || entry.defect == ARCHIVE_NO_RECORD ||
	    strcmp(entry.snapshot.name, to->name) != 0)
		return (found == -1 ? -1 : 0);
	if (check_base(request, &entry.snapshot, error) == 0)
		*stream = open_stream(directory, &entry, error);
	*size = entry.snapshot.size;
	return (1);
}

/* The same from the list of all, mostly to find the error. */
static int
open_listed(int root, int directory, const SendReq *request, uint64_t *size,
    struct error *error)
{
	const struct archive_entry *to;
	struct archive_list list;
	int stream = -1;

	if (archive_list(directory, &list, error) == -1)
		return (-1);
	to = archive_find_version(&list, request->filesystem, request->to, error);
	if (to != NULL && check_base(request, &to->snapshot, error) == 0)
		stream = open_stream(directory, to, error);
	*size = to == NULL ? 0 : to->snapshot.size;
	if (archive_scan_leftovers(&list.scan))
		archive_tidy(root, request->filesystem);
	archive_list_free(&list);
	return (stream);
}

int
archive_send_open(int root, const SendReq *request, uint64_t *size,
    struct error *error)
{
	int directory, stream = -1;

	directory = archive_open_filesystem(root, request->filesystem, error);
	if (directory == -1)
		return (-1);
	if (open_named(directory, request, size, &stream, error) == 0)
		stream = open_listed(root, directory, request, size, error);
	close(directory);
	return (stream);
}

/* By the kernel alone where that is possible. */
int
archive_send_copy(int stream, uint64_t size, struct error *error)
{
	static char buffer[COPY_CHUNK];
	uint64_t done = 0;
	ssize_t moved;

	while (done < size) {
		moved = sendfile(STDOUT_FILENO, stream, NULL,
		    size - done < (1u << 30) ? (size_t)(size - done) : 1u << 30);
		if (moved == -1 && (errno == EINVAL || errno == ENOSYS) && done == 0)
			break;
		if (moved == -1 && errno == EINTR)
			continue;
		if (moved == -1 && errno == EAGAIN && io_wait(STDOUT_FILENO,
		    POLLOUT, IO_FOREVER, error) == 0)
			continue;
		if (moved == -1)
			return (error_errno(error, "cannot write the stream"));
		if (moved == 0)
			return (error_set(error, EXIT_FAILED,
			    "archive: the stream is shorter than it was"));
		done += (uint64_t)moved;
	}
	while (done < size) {
		moved = io_read(stream, buffer, sizeof(buffer));
		if (moved == -1)
			return (error_errno(error, "cannot read the stream"));
		if (moved == 0)
			return (error_set(error, EXIT_FAILED,
			    "archive: the stream is shorter than it was"));
		if (io_write_all(STDOUT_FILENO, buffer, (size_t)moved, IO_FOREVER,
		    error) == -1)
			return (error_prefix(error, "cannot write the stream"));
		done += (uint64_t)moved;
	}
	return (0);
}
