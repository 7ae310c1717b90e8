#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_record.h"
#include "base/io.h"
#include "zfs/fs_name.h"

int
archive_open_filesystem(int root, const char *filesystem, bool create,
    struct error *error)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char component[FS_NAME_MAX + 1];
	const char *rest = filesystem;
	int directory, next, why;
	size_t length;

	if (!fs_name_valid_filesystem(filesystem))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a filesystem", filesystem));
	directory = fcntl(root, F_DUPFD_CLOEXEC, 3);
	while (directory != -1 && *rest != '\0') {
		length = strcspn(rest, "/");
		memcpy(component, rest, length);
		component[length] = '\0';
		rest += length + (rest[length] == '/');
		why = create && mkdirat(directory, component, 0777) == -1 ?
		    errno : 0;
		if (create && why == 0)
			fsync(directory);
		next = openat(directory, component, flags);
		if (next == -1 && errno == ENOENT && why != 0) {
			errno = why;
			error_errno(error, "cannot make %s", filesystem);
		} else if (next == -1 && errno == ENOENT)
			error_set(error, EXIT_FAILED,
			    "dataset \"%s\" does not exist", filesystem);
		else if (next == -1)
			error_errno(error, "%s", filesystem);
		close(directory);
		directory = next;
		if (next == -1)
			return (-1);
	}
	return (directory == -1 ? error_errno(error, "archive") : directory);
}

void
archive_file_name(char name[ARCHIVE_FILE_MAX], uint64_t guid, const char *suffix)
{
	snprintf(name, ARCHIVE_FILE_MAX, "@%016" PRIx64 "%s", guid, suffix);
}

/* Is this "@" 16 digits suffix? */
static bool
is_file(const char *name, const char *suffix)
{
	return (strlen(name) == 17 + strlen(suffix) && name[0] == '@' &&
	    strspn(name + 1, "0123456789abcdef") == 16 &&
	    strcmp(name + 17, suffix) == 0);
}

/* A directory stream of our own position over directory. */
static DIR *
open_stream(int directory, struct error *error)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd == -1 ? NULL : fdopendir(fd);

	if (stream == NULL) {
		error_errno(error, "archive");
		io_close(&fd);
	}
	return (stream);
}

static int
by_createtxg(const void *a, const void *b)
{
	const struct archive_snapshot *left = a, *right = b;

	if (left->createtxg != right->createtxg)
		return (left->createtxg < right->createtxg ? -1 : 1);
	return (strcmp(left->name, right->name));
}

static int
append(struct archive_list *list, size_t *capacity,
    const struct archive_snapshot *snapshot, struct error *error)
{
	struct archive_snapshot *grown;

	if (list->count == *capacity) {
		*capacity = *capacity == 0 ? 16 : *capacity * 2;
		grown = reallocarray(list->snapshots, *capacity, sizeof(*grown));
		if (grown == NULL)
			return (error_errno(error, "archive"));
		list->snapshots = grown;
	}
	list->snapshots[list->count++] = *snapshot;
	return (0);
}

int
archive_list(int directory, struct archive_list *list, struct error *error)
{
	struct archive_snapshot snapshot;
	struct dirent *entry;
	size_t capacity = 0;
	DIR *stream;
	int result = 0;

	*list = (struct archive_list){ .count = 0 };
	stream = open_stream(directory, error);
	if (stream == NULL)
		return (-1);
	while (result == 0 && (entry = readdir(stream)) != NULL) {
		if (!is_file(entry->d_name, ARCHIVE_RECORD_SUFFIX))
			continue;
		result = archive_record_read(directory, entry->d_name, &snapshot,
		    error);
		/* One that was removed while we looked is simply not there. */
		if (result == 1)
			result = 0;
		else if (result == 0)
			result = append(list, &capacity, &snapshot, error);
	}
	closedir(stream);
	if (result == -1) {
		archive_list_free(list);
		return (-1);
	}
	if (list->count > 0)
		qsort(list->snapshots, list->count, sizeof(*list->snapshots),
		    by_createtxg);
	return (0);
}

void
archive_list_free(struct archive_list *list)
{
	free(list->snapshots);
	*list = (struct archive_list){ .count = 0 };
}

const struct archive_snapshot *
archive_find_guid(const struct archive_list *list, uint64_t guid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->snapshots[i].guid == guid)
			return (&list->snapshots[i]);
	return (NULL);
}

const struct archive_snapshot *
archive_find_name(const struct archive_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->snapshots[i].name, name) == 0)
			return (&list->snapshots[i]);
	return (NULL);
}

const struct archive_snapshot *
archive_find_version(const struct archive_list *list, const char *filesystem,
    const FilesystemVersion *version, struct error *error)
{
	const struct archive_snapshot *found =
	    archive_find_name(list, version->name);

	if (version->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		error_set(error, EXIT_FAILED,
		    "version \"%s\" is not a snapshot", version->name);
	else if (found == NULL)
		error_set(error, EXIT_FAILED, "dataset \"%s@%s\" does not exist",
		    filesystem, version->name);
	else if (found->guid != version->guid)
		error_set(error, EXIT_FAILED, "%s@%s has the guid %" PRIu64
		    ", not %" PRIu64, filesystem, version->name, found->guid,
		    version->guid);
	else
		return (found);
	return (NULL);
}

int
archive_lock(int directory, struct error *error)
{
	int fd = openat(directory, ARCHIVE_LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

	if (fd == -1)
		return (error_errno(error, "archive: %s", ARCHIVE_LOCK));
	while (flock(fd, LOCK_EX) == -1)
		if (errno != EINTR) {
			error_errno(error, "archive: %s", ARCHIVE_LOCK);
			close(fd);
			return (-1);
		}
	return (fd);
}

/* A writer holds a lock on its file for as long as it lives. */
static bool
is_abandoned(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool abandoned;

	if (fd == -1)
		return (false);
	abandoned = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return (abandoned);
}

int
archive_clean(int directory, struct error *error)
{
	char record[ARCHIVE_FILE_MAX];
	struct dirent *entry;
	DIR *stream;

	stream = open_stream(directory, error);
	if (stream == NULL)
		return (-1);
	while ((entry = readdir(stream)) != NULL) {
		if (strncmp(entry->d_name, ARCHIVE_RECEIVING,
		    strlen(ARCHIVE_RECEIVING)) == 0) {
			if (is_abandoned(directory, entry->d_name))
				unlinkat(directory, entry->d_name, 0);
		} else if (is_file(entry->d_name, ARCHIVE_STREAM_SUFFIX)) {
			/* No record: the rename was the last that happened. */
			snprintf(record, sizeof(record), "%.17s%s", entry->d_name,
			    ARCHIVE_RECORD_SUFFIX);
			if (faccessat(directory, record, F_OK,
			    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
				unlinkat(directory, entry->d_name, 0);
		}
	}
	closedir(stream);
	return (0);
}

int
archive_commit(int directory, const char *temporary,
    const struct archive_snapshot *snapshot, struct error *error)
{
	char stream[ARCHIVE_FILE_MAX], record[ARCHIVE_FILE_MAX];

	archive_file_name(stream, snapshot->guid, ARCHIVE_STREAM_SUFFIX);
	if (renameat(directory, temporary, directory, stream) == -1 ||
	    fsync(directory) == -1)
		return (error_errno(error, "archive: %s", stream));
	if (archive_record_write(directory, snapshot, error) == -1) {
		archive_file_name(record, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
		unlinkat(directory, record, 0);
		unlinkat(directory, stream, 0);
		return (-1);
	}
	return (0);
}

int
archive_remove(int directory, const struct archive_snapshot *snapshot,
    struct error *error)
{
	char name[ARCHIVE_FILE_MAX];

	archive_file_name(name, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
	if (unlinkat(directory, name, 0) == -1 || fsync(directory) == -1)
		return (error_errno(error, "archive: %s", name));
	archive_file_name(name, snapshot->guid, ARCHIVE_STREAM_SUFFIX);
	if (unlinkat(directory, name, 0) == -1 && errno != ENOENT)
		return (error_errno(error, "archive: %s", name));
	return (0);
}
