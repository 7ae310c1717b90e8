#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/archive.h"
#include "archive/archive_directory.h"
#include "archive/archive_scan.h"

#define GUID_DIGITS 16

/* Is this the name of such a file?  If so, *guid is its guid. */
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

/* The room of a list is 16, and doubles when it is full. */
static int
add(struct archive_scanned **list, size_t *count, uint64_t guid, uint64_t inode)
{
	struct archive_scanned *grown;

	if (*count == 0 || (*count >= 16 && (*count & (*count - 1)) == 0)) {
		grown = reallocarray(*list, *count == 0 ? 16 : *count * 2,
		    sizeof(*grown));
		if (grown == NULL)
			return (-1);
		*list = grown;
	}
	(*list)[(*count)++] = (struct archive_scanned){ .guid = guid,
	    .inode = inode };
	return (0);
}

static int
compare(const void *a, const void *b)
{
	const struct archive_scanned *left = a, *right = b;

	return (left->guid < right->guid ? -1 : left->guid > right->guid);
}

static int
take(struct archive_scan *scan, const struct dirent *entry)
{
	uint64_t guid;

	if (is_file(entry->d_name, ARCHIVE_RECORD_SUFFIX, &guid))
		return (add(&scan->records, &scan->record_count, guid, entry->d_ino));
	if (is_file(entry->d_name, ARCHIVE_STREAM_SUFFIX, &guid))
		return (add(&scan->streams, &scan->stream_count, guid, entry->d_ino));
	if (strncmp(entry->d_name, ARCHIVE_RECEIVING, strlen(ARCHIVE_RECEIVING)) == 0)
		scan->parts = true;
	else if (strcmp(entry->d_name, ARCHIVE_RECORDING) == 0)
		scan->recording = true;
	return (0);
}

int
archive_scan(int directory, struct archive_scan *scan, struct error *error)
{
	DIR *stream = archive_directory_stream(directory, error);
	struct dirent *entry;
	int result = 0;

	*scan = (struct archive_scan){ .records = NULL };
	if (stream == NULL)
		return (-1);
	while (result == 0 && (entry = readdir(stream)) != NULL)
		result = take(scan, entry);
	if (result == -1) {
		error_errno(error, "archive");
		archive_scan_free(scan);
	}
	closedir(stream);
	if (scan->record_count > 0)
		qsort(scan->records, scan->record_count, sizeof(*scan->records), compare);
	if (scan->stream_count > 0)
		qsort(scan->streams, scan->stream_count, sizeof(*scan->streams), compare);
	return (result);
}

void
archive_scan_free(struct archive_scan *scan)
{
	free(scan->records);
	free(scan->streams);
	*scan = (struct archive_scan){ .records = NULL };
}

void
archive_scan_times(int directory, struct archive_scan *scan)
{
	char name[ARCHIVE_FILE_MAX];
	struct stat status;

	for (size_t i = 0; i < scan->record_count; i++) {
		archive_file_name(name, scan->records[i].guid, ARCHIVE_RECORD_SUFFIX);
		if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			scan->records[i].changed = status.st_ctim;
	}
}

bool
archive_scan_equal(const struct archive_scan *a, const struct archive_scan *b)
{
	bool equal = a->record_count == b->record_count;

	for (size_t i = 0; equal && i < a->record_count; i++)
		equal = a->records[i].guid == b->records[i].guid &&
		    a->records[i].inode == b->records[i].inode &&
		    a->records[i].changed.tv_sec == b->records[i].changed.tv_sec &&
		    a->records[i].changed.tv_nsec == b->records[i].changed.tv_nsec;
	return (equal);
}

const struct archive_scanned *
archive_scan_orphan(const struct archive_scan *scan, size_t *place)
{
	const struct archive_scanned *stream;

	while (*place < scan->stream_count) {
		stream = &scan->streams[(*place)++];
		if (scan->record_count == 0 || bsearch(stream, scan->records,
		    scan->record_count, sizeof(*scan->records), compare) == NULL)
			return (stream);
	}
	return (NULL);
}

bool
archive_scan_leftovers(const struct archive_scan *scan)
{
	size_t place = 0;

	return (scan->parts || archive_scan_orphan(scan, &place) != NULL);
}
