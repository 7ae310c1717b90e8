#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_record.h"
#include "base/io.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"
#include "streamsum/sum_line.h"

#define OPTIONAL_MAX 256	/* bytes of the fields that not every record has */

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
parse_digest(const char *text, uint8_t digest[STREAM_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	const size_t length = (size_t)2 * STREAM_DIGEST_SIZE;

	if (strlen(text) != length || strspn(text, digits) != length)
		return (false);
	for (size_t i = 0; i < length; i += 2)
		digest[i / 2] = (uint8_t)((strchr(digits, text[i]) - digits) << 4 |
		    (strchr(digits, text[i + 1]) - digits));
	return (true);
}

/* A digest under the name of its kind: one at most, and only of a full stream. */
static bool
get_digest(const json_t *object, struct archive_snapshot *snapshot)
{
	static const enum stream_digest_kind kinds[] = { STREAM_DIGEST_LOGICAL,
	    STREAM_DIGEST_RAW };
	const json_t *value;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		value = json_object_get(object, sum_line_kind(kinds[i]));
		if (value == NULL)
			continue;
		if (snapshot->has_digest || snapshot->from_guid != 0 ||
		    !json_is_string(value) ||
		    !parse_digest(json_string_value(value), snapshot->digest))
			return (false);
		snapshot->has_digest = true;
		snapshot->digest_kind = kinds[i];
	}
	return (true);
}

/* zr-scrub's mark. */
static bool
get_damaged(const json_t *object, int64_t *damaged)
{
	const json_t *value = json_object_get(object, "damaged");

	return (value == NULL || (json_is_string(value) &&
	    rfc3339_parse(json_string_value(value), damaged) && *damaged > 0 &&
	    *damaged <= RFC3339_LAST));
}

static bool
decode(const json_t *object, struct archive_snapshot *snapshot)
{
	const char *name = json_string_value(json_object_get(object, "name"));
	const char *creation = json_string_value(json_object_get(object, "creation"));

	if (name == NULL || !fs_name_valid_snapshot(name) || creation == NULL)
		return (false);
	if (json_object_get(object, "arrival") != NULL &&
	    (!get_number(object, "arrival", &snapshot->arrival) ||
	    snapshot->arrival > INT64_MAX))
		return (false);
	strlcpy(snapshot->name, name, sizeof(snapshot->name));
	return (rfc3339_parse(creation, &snapshot->creation) &&
	    snapshot->creation >= 0 && snapshot->creation <= RFC3339_LAST &&
	    get_number(object, "guid", &snapshot->guid) && snapshot->guid != 0 &&
	    get_number(object, "from_guid", &snapshot->from_guid) &&
	    get_number(object, "createtxg", &snapshot->createtxg) &&
	    get_number(object, "size", &snapshot->size) && snapshot->size != 0 &&
	    get_digest(object, snapshot) && get_damaged(object, &snapshot->damaged));
}

bool
archive_record_parse(const char *text, size_t length,
    struct archive_snapshot *snapshot)
{
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	bool valid;

	memset(snapshot, 0, sizeof(*snapshot));
	valid = object != NULL && decode(object, snapshot);
	json_decref(object);
	return (valid);
}

/* The fields that not every record has, each with the comma in front of it. */
static void
print_optional(char text[OPTIONAL_MAX], const struct archive_snapshot *snapshot)
{
	char *at = text, *const end = text + OPTIONAL_MAX, time[RFC3339_SIZE];

	*text = '\0';
	if (snapshot->arrival != 0)
		at += snprintf(at, (size_t)(end - at), ",\"arrival\":\"%" PRIu64 "\"",
		    snapshot->arrival);
	if (snapshot->has_digest) {
		at += snprintf(at, (size_t)(end - at), ",\"%s\":\"",
		    sum_line_kind(snapshot->digest_kind));
		for (size_t i = 0; i < STREAM_DIGEST_SIZE; i++)
			at += snprintf(at, (size_t)(end - at), "%02x",
			    snapshot->digest[i]);
		at += snprintf(at, (size_t)(end - at), "\"");
	}
	if (snapshot->damaged != 0) {
		rfc3339_format(time, snapshot->damaged);
		snprintf(at, (size_t)(end - at), ",\"damaged\":\"%s\"", time);
	}
}

size_t
archive_record_print(char text[ARCHIVE_RECORD_MAX],
    const struct archive_snapshot *snapshot)
{
	char creation[RFC3339_SIZE], optional[OPTIONAL_MAX];

	rfc3339_format(creation, snapshot->creation);
	print_optional(optional, snapshot);
	/* Names and numbers hold nothing that JSON would escape. */
	return ((size_t)snprintf(text, ARCHIVE_RECORD_MAX,
	    "{\"name\":\"%s\",\"guid\":\"%" PRIu64 "\",\"from_guid\":\"%" PRIu64
	    "\",\"createtxg\":\"%" PRIu64 "\",\"creation\":\"%s\",\"size\":\"%"
	    PRIu64 "\"%s}\n", snapshot->name, snapshot->guid, snapshot->from_guid,
	    snapshot->createtxg, creation, snapshot->size, optional));
}

void
archive_record_add_digest(struct archive_snapshot *snapshot, struct stream_digest *digest)
{
	struct stream_sum sum;
	struct error why;

	if (stream_digest_finish(digest, &sum, &why) == -1)
		return;
	snapshot->has_digest = true;
	snapshot->digest_kind = sum.kind;
	memcpy(snapshot->digest, sum.digest, sizeof(snapshot->digest));
}

/* Does errno mean a broken file, rather than a lack of permission or resources? */
static bool
is_damage(void)
{
	return (errno == EIO || errno == ELOOP || errno == EISDIR);
}

int
archive_record_read(int directory, uint64_t guid,
    struct archive_snapshot *snapshot, struct error *error)
{
	char file[ARCHIVE_FILE_MAX], text[ARCHIVE_RECORD_MAX];
	struct stat status;
	ssize_t length = -1;
	int fd, why;
	bool valid;

	archive_file_name(file, guid, ARCHIVE_RECORD_SUFFIX);
	fd = openat(directory, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return (ARCHIVE_RECORD_ABSENT);
	if (fd != -1 && fstat(fd, &status) == 0)
		length = io_read(fd, text, sizeof(text));
	why = errno;
	io_close(&fd);
	errno = why;
	if (length == -1)
		return (is_damage() ? ARCHIVE_RECORD_DAMAGED :
		    error_errno(error, "archive: %s", file));
	valid = archive_record_parse(text, (size_t)length, snapshot);
	snapshot->changed = status.st_ctim;
	return (valid && snapshot->guid == guid ? ARCHIVE_RECORD_FOUND :
	    ARCHIVE_RECORD_DAMAGED);
}

int
archive_record_write(int directory, const struct archive_snapshot *snapshot,
    struct error *error)
{
	char text[ARCHIVE_RECORD_MAX], file[ARCHIVE_FILE_MAX];
	const size_t length = archive_record_print(text, snapshot);
	int fd, result = -1;

	archive_file_name(file, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
	unlinkat(directory, ARCHIVE_RECORDING, 0);
	fd = openat(directory, ARCHIVE_RECORDING,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return (error_errno(error, "archive: %s", file));
	if (io_write_all(fd, text, length, IO_FOREVER, error) == -1)
		error_prefix(error, "archive: %s", file);
	else if (fsync(fd) == -1 ||
	    renameat(directory, ARCHIVE_RECORDING, directory, file) == -1 ||
	    fsync(directory) == -1)
		error_errno(error, "archive: %s", file);
	else
		result = 0;
	if (result == -1)
		unlinkat(directory, ARCHIVE_RECORDING, 0);
	close(fd);
	return (result);
}
