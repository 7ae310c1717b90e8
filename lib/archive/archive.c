#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_directory.h"
#include "archive/archive_part.h"
#include "archive/archive_record.h"
#include "archive/archive_scan.h"
#include "base/io.h"
#include "base/signals.h"

void
archive_file_name(char name[ARCHIVE_FILE_MAX], uint64_t guid, const char *suffix)
{
	snprintf(name, ARCHIVE_FILE_MAX, "@%016" PRIx64 "%s", guid, suffix);
}

/* flock(2) that the signals which end us can interrupt. */
static int
wait_for_lock(int fd)
{
	const sigset_t *open_mask = signals_open_mask();
	sigset_t mask, before;
	int result, why;

	if (open_mask == NULL)
		return (flock(fd, LOCK_EX));
	mask = *open_mask;
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_SETMASK, &mask, &before);
	result = flock(fd, LOCK_EX);
	why = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = why;
	return (result);
}

int
archive_lock(int directory, bool wait)
{
	struct stat status;
	int fd, why;

	for (;;) {
		fd = openat(directory, ARCHIVE_LOCK,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd == -1)
			return (-1);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || (wait &&
		    errno == EWOULDBLOCK && wait_for_lock(fd) == 0)) {
			/* It may have been removed before we had it. */
			if (fstat(fd, &status) == 0 && status.st_nlink > 0)
				return (fd);
			close(fd);
			continue;
		}
		why = errno;
		close(fd);
		errno = why;
		return (-1);
	}
}

/* Does it have no record?  The rename was then the last that happened. */
static bool
is_orphan(int directory, uint64_t guid)
{
	char record[ARCHIVE_FILE_MAX];

	archive_file_name(record, guid, ARCHIVE_RECORD_SUFFIX);
	return (faccessat(directory, record, F_OK, AT_SYMLINK_NOFOLLOW) == -1 &&
	    errno == ENOENT);
}

int
archive_clean(int directory, bool *empty, struct error *error)
{
	const struct archive_scanned *stream;
	struct archive_part part;
	struct archive_scan scan;
	size_t place = 0;
	bool parts;

	if (archive_scan(directory, &scan, error) == -1)
		return (-1);
	while ((stream = archive_scan_orphan(&scan, &place)) != NULL)
		if (is_orphan(directory, stream->guid))
			archive_remove_stream(directory, stream->guid);
	*empty = scan.record_count == 0;
	parts = scan.parts;
	if (scan.recording)
		unlinkat(directory, ARCHIVE_RECORDING, 0);
	archive_scan_free(&scan);
	if (!parts)
		return (0);
	if (archive_part_settle(directory, &part, error) == -1)
		return (-1);
	io_close(&part.file);
	return (0);
}

int
archive_commit(int directory, const char *temporary,
    const struct archive_snapshot *snapshot, struct error *error)
{
	char stream[ARCHIVE_FILE_MAX], record[ARCHIVE_FILE_MAX];

	archive_file_name(stream, snapshot->guid, ARCHIVE_STREAM_SUFFIX);
	archive_file_name(record, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
	/* A damaged one: never an old record beside a new stream. */
	if (unlinkat(directory, record, 0) == 0) {
		if (archive_sync(directory, error) == -1)
			return (-1);
	} else if (errno != ENOENT)
		return (error_errno(error, "archive: %s", record));
	if (renameat(directory, temporary, directory, stream) == -1)
		return (error_errno(error, "archive: %s", stream));
	if (archive_sync(directory, error) == -1 ||
	    archive_record_write(directory, snapshot, error) == -1) {
		unlinkat(directory, record, 0);
		unlinkat(directory, stream, 0);
		return (-1);
	}
	return (0);
}

int
archive_remove_record(int directory, uint64_t guid, struct error *error)
{
	char name[ARCHIVE_FILE_MAX];

	archive_file_name(name, guid, ARCHIVE_RECORD_SUFFIX);
	if (unlinkat(directory, name, 0) == -1)
		return (error_errno(error, "archive: %s", name));
	return (0);
}

int
archive_sync(int directory, struct error *error)
{
	return (fsync(directory) == -1 ? error_errno(error, "archive: sync") : 0);
}

void
archive_remove_stream(int directory, uint64_t guid)
{
	char name[ARCHIVE_FILE_MAX];

	/* archive_clean() removes the rest. */
	archive_file_name(name, guid, ARCHIVE_STREAM_SUFFIX);
	unlinkat(directory, name, 0);
}
