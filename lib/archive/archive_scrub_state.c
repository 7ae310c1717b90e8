#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "archive/archive_scrub_state.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/number.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"

static bool
get_time(const json_t *object, const char *key, int64_t *time)
{
	const char *text = json_string_value(json_object_get(object, key));

	return (text != NULL && rfc3339_parse(text, time) && *time > 0 &&
	    *time <= RFC3339_LAST);
}

static bool
get_number(const json_t *object, const char *key, uint64_t *number)
{
	const char *text = json_string_value(json_object_get(object, key));

	return (text != NULL && number_parse(number, text, 10, 0, UINT64_MAX));
}

/* Components as archive_scrub_walk() enters them. */
static bool
get_filesystem(const json_t *object, char filesystem[SCRUB_PATH_MAX])
{
	const char *text = json_string_value(json_object_get(object, "filesystem"));
	char copy[SCRUB_PATH_MAX], *rest = copy, *component;

	if (text == NULL || strlcpy(filesystem, text, SCRUB_PATH_MAX) >= SCRUB_PATH_MAX)
		return (false);
	memcpy(copy, filesystem, sizeof(copy));
	while ((component = strsep(&rest, "/")) != NULL)
		if (!fs_name_valid_snapshot(component))
			return (false);
	return (true);
}

static bool
decode(const json_t *object, struct scrub_state *state)
{
	if (!get_time(object, "began", &state->began) ||
	    !get_number(object, "streams", &state->streams) ||
	    !get_number(object, "bytes", &state->bytes))
		return (false);
	if (json_object_get(object, "finished") != NULL)
		return (get_time(object, "finished", &state->finished));
	if (json_object_get(object, "filesystem") == NULL)
		return (true);
	return (get_filesystem(object, state->filesystem) &&
	    get_number(object, "guid", &state->guid) && state->guid != 0);
}

bool
scrub_state_parse(const char *text, size_t length, struct scrub_state *state)
{
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	bool valid;

	memset(state, 0, sizeof(*state));
	valid = object != NULL && decode(object, state);
	json_decref(object);
	if (!valid)
		memset(state, 0, sizeof(*state));
	return (valid);
}

size_t
scrub_state_print(char text[SCRUB_STATE_MAX], const struct scrub_state *state)
{
	char time[RFC3339_SIZE], last[SCRUB_PATH_MAX + 80] = "";

	if (state->finished != 0) {
		rfc3339_format(time, state->finished);
		snprintf(last, sizeof(last), ",\"finished\":\"%s\"", time);
	} else if (state->filesystem[0] != '\0')
		snprintf(last, sizeof(last), ",\"filesystem\":\"%s\",\"guid\":\"%" PRIu64
		    "\"", state->filesystem, state->guid);
	rfc3339_format(time, state->began);
	/* Names hold nothing that JSON would escape. */
	return ((size_t)snprintf(text, SCRUB_STATE_MAX, "{\"began\":\"%s\",\"streams\":\"%"
	    PRIu64 "\",\"bytes\":\"%" PRIu64 "\"%s}\n", time, state->streams, state->bytes,
	    last));
}

/* A filesystem before those below it, and these before its next sibling. */
static int
compare_filesystems(const char *a, const char *b)
{
	size_t i = 0;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	if (a[i] == b[i])
		return (0);
	if (a[i] == '\0' || b[i] == '\0')
		return (a[i] == '\0' ? -1 : 1);
	if (a[i] == '/' || b[i] == '/')
		return (a[i] == '/' ? -1 : 1);
	return ((unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1);
}

bool
scrub_state_is_past(const struct scrub_state *state, const char *filesystem, uint64_t guid)
{
	const int order = compare_filesystems(filesystem, state->filesystem);

	return (order < 0 || (order == 0 && guid <= state->guid));
}

void
scrub_state_read(int root, struct scrub_state *state)
{
	char text[SCRUB_STATE_MAX];
	ssize_t length = -1;
	int fd = openat(root, ARCHIVE_SCRUB_STATE,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	memset(state, 0, sizeof(*state));
	if (fd == -1 && errno == ENOENT)
		return;
	if (fd != -1)
		length = io_read(fd, text, sizeof(text));
	if (length == -1)
		diag_errno("%s: this pass begins anew", ARCHIVE_SCRUB_STATE);
	else if (!scrub_state_parse(text, (size_t)length, state))
		diag("%s is damaged: this pass begins anew", ARCHIVE_SCRUB_STATE);
	io_close(&fd);
}

int
scrub_state_write(int root, const struct scrub_state *state, struct error *error)
{
	char text[SCRUB_STATE_MAX];
	const size_t length = scrub_state_print(text, state);
	int fd, result;

	unlinkat(root, ARCHIVE_SCRUB_NEW, 0);
	fd = openat(root, ARCHIVE_SCRUB_NEW,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return (error_errno(error, "%s", ARCHIVE_SCRUB_STATE));
	result = io_write_all(fd, text, length, IO_FOREVER, error);
	if (result == -1)
		error_prefix(error, "%s", ARCHIVE_SCRUB_STATE);
	else if (renameat(root, ARCHIVE_SCRUB_NEW, root, ARCHIVE_SCRUB_STATE) == -1)
		result = error_errno(error, "%s", ARCHIVE_SCRUB_STATE);
	if (result == -1)
		unlinkat(root, ARCHIVE_SCRUB_NEW, 0);
	close(fd);
	return (result);
}

int
scrub_state_lock(int root, struct error *error)
{
	int fd = openat(root, ARCHIVE_SCRUB_LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd == -1)
		return (error_errno(error, "%s", ARCHIVE_SCRUB_LOCK));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return (fd);
	if (errno == EWOULDBLOCK)
		error_set(error, EXIT_FAILED, "another scrub of this archive is running");
	else
		error_errno(error, "%s", ARCHIVE_SCRUB_LOCK);
	close(fd);
	return (-1);
}
