#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "replicate/event.h"
#include "replicate/events_file.h"

/* The first event and the last one lie within this many bytes of the file's ends. */
#define END_BYTES ((size_t)64 << 10)

/* Read up to END_BYTES from there; returns their number, 0 on error. */
static size_t
read_at(int fd, char *text, off_t from)
{
	size_t length = 0;
	ssize_t got;

	while (length < END_BYTES) {
		got = pread(fd, text + length, END_BYTES - length,
		    from + (off_t)length);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	return (length);
}

static bool
is_job(const struct event *start, const char *job)
{
	char *text;
	bool same;

	if (job == NULL || start->job.text == NULL)
		return (job == NULL && start->job.text == NULL);
	text = event_text(&start->job);
	same = text != NULL && strcmp(text, job) == 0;
	free(text);
	return (same);
}

/* The first line of text. */
static bool
parse_first(struct event *event, const char *text, size_t length)
{
	const char *end = memchr(text, '\n', length);
	struct error error;

	return (end != NULL &&
	    event_parse(event, text, (size_t)(end - text), &error) == 0);
}

/* The last line of text, which must be complete. */
static bool
parse_last(struct event *event, const char *text, size_t length)
{
	const char *line;
	struct error error;

	if (length == 0 || text[--length] != '\n')
		return (false);
	line = memrchr(text, '\n', length);
	line = line == NULL ? text : line + 1;
	return (event_parse(event, line, (size_t)(text + length - line),
	    &error) == 0);
}

/* The file is about to be emptied, so an invalid one is treated as empty. */
static int64_t
last_success(int fd, off_t size, const char *job)
{
	char *text = malloc(END_BYTES);
	int64_t time = EVENT_NO_TIME;
	struct event event;
	bool dry_run;

	if (text == NULL)
		return (EVENT_NO_TIME);
	if (parse_first(&event, text, read_at(fd, text, 0)) &&
	    strcmp(event.event, "start") == 0 && is_job(&event, job)) {
		time = event.last_successful;
		dry_run = event.dry_run;
		if (parse_last(&event, text, read_at(fd, text,
		    size > (off_t)END_BYTES ? size - (off_t)END_BYTES : 0)) &&
		    strcmp(event.event, "summary") == 0 && event.code == 0 &&
		    !dry_run)
			time = event.time;
	}
	free(text);
	return (time);
}

/* Of the file that is open for writing, if we may read it. */
static int64_t
look_back(const char *path, const struct stat *status, const char *job)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int64_t time = EVENT_NO_TIME;
	struct stat other;

	if (fd == -1)
		return (time);
	if (fstat(fd, &other) == 0 && other.st_dev == status->st_dev &&
	    other.st_ino == status->st_ino)
		time = last_success(fd, other.st_size, job);
	io_close(&fd);
	return (time);
}

/* A lock of the open file, which no other close(2) in this process ends. */
static int
lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return (fcntl(fd, F_OFD_SETLK, &whole));
}

int
events_file_open(const char *path, const char *job, int64_t *last_successful,
    struct error *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	struct stat status;

	*last_successful = EVENT_NO_TIME;
	if (fd == -1 || fstat(fd, &status) == -1)
		goto failed;
	if (!S_ISREG(status.st_mode))
		return (fd);
	if (lock(fd) == -1) {
		if (errno != EAGAIN && errno != EACCES)
			goto failed;
		io_close(&fd);
		return (error_set(error, EXIT_FAILED, "%s: another run is writing "
		    "its events there", path));
	}
	*last_successful = look_back(path, &status, job);
	if (ftruncate(fd, 0) == 0)
		return (fd);
failed:
	error_errno(error, "%s", path);
	if (fd != -1)
		io_close(&fd);
	return (-1);
}

bool
events_file_in_use(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return (fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK);
}
