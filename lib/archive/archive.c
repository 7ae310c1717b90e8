#include <dirent.h>
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
#include "base/io.h"
#include "base/signals.h"

#define GUID_DIGITS 16

void
archive_file_name(char name[ARCHIVE_FILE_MAX], uint64_t guid, const char *suffix)
{
	snprintf(name, ARCHIVE_FILE_MAX, "@%016" PRIx64 "%s", guid, suffix);
}

/* Is this such a name?  If so, *guid is its guid. */
static bool
is_file(const char *name, const char *suffix, uint64_t *guid)
{
	char digits[GUID_DIGITS + 1];

	if (name[0] != '@' || strlen(name) != 1 + GUID_DIGITS + strlen(suffix) ||
	    strspn(name + 1, "0123456789abcdef") != GUID_DIGITS ||
	    strcmp(name + 1 + GUID_DIGITS, suffix) != 0)
		return (false);
	strlcpy(digits, name + 1, sizeof(digits));
	*guid = strtoull(digits, NULL, 16);
	return (true);
}

static bool
is_part(const char *name)
{
	return (strncmp(name, ARCHIVE_RECEIVING, strlen(ARCHIVE_RECEIVING)) == 0);
}

int
archive_scan(int directory, uint64_t **guids, size_t *count, bool *leftovers,
    struct error *error)
{
	DIR *stream = archive_directory_stream(directory, error);
	size_t capacity = 0, streams = 0;
	struct dirent *entry;
	uint64_t guid, *grown;

	*guids = NULL;
	*count = 0;
	*leftovers = false;
	if (stream == NULL)
		return (-1);
	while ((entry = readdir(stream)) != NULL) {
		if (is_file(entry->d_name, ARCHIVE_STREAM_SUFFIX, &guid))
			streams++;
		else if (is_part(entry->d_name))
			*leftovers = true;
		if (!is_file(entry->d_name, ARCHIVE_RECORD_SUFFIX, &guid))
			continue;
		if (*count == capacity) {
			capacity = capacity == 0 ? 64 : capacity * 2;
			grown = reallocarray(*guids, capacity, sizeof(*grown));
			if (grown == NULL) {
				error_errno(error, "archive");
				free(*guids);
				closedir(stream);
				return (-1);
			}
			*guids = grown;
		}
		(*guids)[(*count)++] = guid;
	}
	closedir(stream);
	*leftovers = *leftovers || streams > *count;
	return (0);
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

static bool
is_leftover(int directory, const char *name)
{
	char record[ARCHIVE_FILE_MAX];
	uint64_t guid;

	if (is_file(name, ARCHIVE_STREAM_SUFFIX, &guid)) {
		/* No record: the rename was the last that happened. */
		archive_file_name(record, guid, ARCHIVE_RECORD_SUFFIX);
		return (faccessat(directory, record, F_OK,
		    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT);
	}
	return (strcmp(name, ARCHIVE_RECORDING) == 0);
}

int
archive_clean(int directory, struct error *error)
{
	struct archive_part part;
	struct dirent *entry;
	bool parts = false;
	DIR *stream;

	stream = archive_directory_stream(directory, error);
	if (stream == NULL)
		return (-1);
	while ((entry = readdir(stream)) != NULL) {
		parts = parts || is_part(entry->d_name);
		if (is_leftover(directory, entry->d_name))
			unlinkat(directory, entry->d_name, 0);
	}
	closedir(stream);
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

	/* What stays, archive_clean() removes. */
	archive_file_name(name, guid, ARCHIVE_STREAM_SUFFIX);
	unlinkat(directory, name, 0);
}
