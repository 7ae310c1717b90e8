#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_record.h"
#include "base/io.h"
#include "message/rfc3339.h"
#include "zfs/fs_name.h"

#define TEMPORARY "@record"	/* written under the lock, so one is enough */

/* A 64-bit number, written as a string as everywhere. */
static bool
get_number(const json_t *object, const char *key, uint64_t *number)
{
	const char *text = json_string_value(json_object_get(object, key));
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return (false);
	errno = 0;
	*number = strtoull(text, &end, 10);
	return (*end == '\0' && errno == 0);
}

static bool
decode(const json_t *object, struct archive_snapshot *snapshot)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *creation = json_string_value(json_object_get(object, "creation"));

	memset(snapshot, 0, sizeof(*snapshot));
	if (name == NULL || !fs_name_valid_snapshot(name) || creation == NULL)
		return (false);
	strlcpy(snapshot->name, name, sizeof(snapshot->name));
	return (rfc3339_parse(creation, &snapshot->creation) &&
	    get_number(object, "guid", &snapshot->guid) &&
	    get_number(object, "from_guid", &snapshot->from_guid) &&
	    get_number(object, "createtxg", &snapshot->createtxg) &&
	    get_number(object, "size", &snapshot->size));
}

int
archive_record_read(int directory, const char *file,
    struct archive_snapshot *snapshot, struct error *error)
{
	char text[ARCHIVE_RECORD_MAX], expected[ARCHIVE_FILE_MAX];
	json_t *object = NULL;
	ssize_t length;
	int fd, result = 0;

	fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return (1);
	length = fd == -1 ? -1 : io_read(fd, text, sizeof(text));
	if (length == -1) {
		result = error_errno(error, "archive: %s", file);
		io_close(&fd);
		return (result);
	}
	io_close(&fd);
	object = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL || !decode(object, snapshot))
		result = error_set(error, EXIT_FAILED,
		    "archive: %s is damaged: no record of a snapshot", file);
	json_decref(object);
	if (result == -1)
		return (-1);
	archive_file_name(expected, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
	if (strcmp(expected, file) != 0)
		return (error_set(error, EXIT_FAILED, "archive: %s is damaged: "
		    "it is the record of %s", file, expected));
	return (0);
}

int
archive_record_write(int directory, const struct archive_snapshot *snapshot,
    struct error *error)
{
	char text[ARCHIVE_RECORD_MAX], creation[RFC3339_SIZE];
	char file[ARCHIVE_FILE_MAX];
	int fd, length, result = -1;

	rfc3339_format(creation, snapshot->creation);
	archive_file_name(file, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
	/* Names and numbers hold nothing that JSON would escape. */
	length = snprintf(text, sizeof(text), "{\"name\":\"%s\",\"guid\":\"%" PRIu64
	    "\",\"from_guid\":\"%" PRIu64 "\",\"createtxg\":\"%" PRIu64
	    "\",\"creation\":\"%s\",\"size\":\"%" PRIu64 "\"}\n", snapshot->name,
	    snapshot->guid, snapshot->from_guid, snapshot->createtxg, creation,
	    snapshot->size);
	fd = openat(directory, TEMPORARY,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd == -1)
		return (error_errno(error, "archive: %s", file));
	if (io_write_all(fd, text, (size_t)length, IO_FOREVER, error) == -1)
		error_prefix(error, "archive: %s", file);
	else if (fsync(fd) == -1 ||
	    renameat(directory, TEMPORARY, directory, file) == -1 ||
	    fsync(directory) == -1)
		error_errno(error, "archive: %s", file);
	else
		result = 0;
	if (result == -1)
		unlinkat(directory, TEMPORARY, 0);
	close(fd);
	return (result);
}
