#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "replicate/events_file.h"
#include "watch/run_file.h"

#define CHUNK ((size_t)64 << 10)

const char *
run_state_name(enum run_state state)
{
	static const char *const names[] = {
		[RUN_RUNNING] = "running",
		[RUN_DONE] = "done",
		[RUN_FAILED] = "failed",
		[RUN_DIED] = "died"
	};

	return (names[state]);
}

const char *
run_file_job(const struct run_file *file)
{
	return (file->job != NULL ? file->job : file->run.job);
}

int
run_file_open(struct run_file *file, const char *path, struct error *error)
{
	struct stat status;

	*file = (struct run_file){ .path = path, .run = RUN_EMPTY,
	    .rest = BUFFER_EMPTY(EVENT_LINE_MAX + CHUNK) };
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd == -1 || fstat(file->fd, &status) == -1)
		error_errno(error, "%s", path);
	else if (!S_ISREG(status.st_mode))
		error_set(error, EXIT_USAGE, "%s: it is not a regular file", path);
	else
		return (0);
	run_file_close(file);
	return (-1);
}

void
run_file_close(struct run_file *file)
{
	io_close(&file->fd);
	run_free(&file->run);
	buffer_free(&file->rest);
}

static ssize_t
read_at(const struct run_file *file, char *bytes, size_t size, int64_t at)
{
	ssize_t got;

	do
		got = pread(file->fd, bytes, size, (off_t)at);
	while (got == -1 && errno == EINTR);
	return (got);
}

static void
begin_anew(struct run_file *file)
{
	run_free(&file->run);
	buffer_consume(&file->rest, buffer_length(&file->rest));
	file->at = 0;
	file->lines = 0;
	file->head_length = 0;
}

/* Has another run emptied it and begun anew? */
static bool
is_another(const struct run_file *file)
{
	char head[RUN_HEAD_BYTES];
	struct stat status;

	if (fstat(file->fd, &status) == 0 && status.st_size < file->at)
		return (true);
	return (read_at(file, head, file->head_length, 0) !=
	    (ssize_t)file->head_length ||
	    memcmp(head, file->head, file->head_length) != 0);
}

static int
take_lines(struct run_file *file, void (*on_line)(const char *said),
    struct error *error)
{
	const char *text, *end;

	while ((end = memchr(text = (const char *)buffer_front(&file->rest), '\n',
	    buffer_length(&file->rest))) != NULL) {
		file->lines++;
		if (run_take(&file->run, text, (size_t)(end - text), error) == -1)
			return (error_prefix(error, "%s: line %zu", file->path,
			    file->lines));
		if (on_line != NULL && file->run.said != NULL)
			on_line(file->run.said);
		buffer_consume(&file->rest, (size_t)(end - text) + 1);
	}
	if (buffer_length(&file->rest) > EVENT_LINE_MAX)
		return (error_set(error, EXIT_USAGE, "%s: line %zu: longer than "
		    "%u KiB", file->path, file->lines + 1, EVENT_LINE_MAX >> 10));
	return (0);
}

/* What has been read at file->at, if it is of the file's beginning. */
static void
keep_head(struct run_file *file, const char *bytes, size_t length)
{
	const size_t room = RUN_HEAD_BYTES - file->head_length;

	if (room == 0)
		return;
	if (length > room)
		length = room;
	memcpy(file->head + file->head_length, bytes, length);
	file->head_length += length;
}

/* 1: something was new; 0: nothing. */
static int
read_on(struct run_file *file, void (*on_line)(const char *said),
    struct error *error)
{
	char chunk[CHUNK];
	ssize_t got;
	int new = 0;

	if (is_another(file))
		begin_anew(file);
	while ((got = read_at(file, chunk, sizeof(chunk), file->at)) > 0) {
		keep_head(file, chunk, (size_t)got);
		file->at += got;
		new = 1;
		if (buffer_append(&file->rest, chunk, (size_t)got) == -1)
			return (error_errno(error, "%s", file->path));
		if (take_lines(file, on_line, error) == -1)
			return (-1);
	}
	if (got == -1)
		return (error_errno(error, "%s", file->path));
	return (new);
}

/*
 * The lock is looked at before the file is read: a run that ends in between has said so,
 * and one that holds no lock and says nothing new any more has died.
 */
int
run_file_update(struct run_file *file, void (*on_line)(const char *said),
    struct error *error)
{
	bool in_use;
	int new;

	do {
		in_use = events_file_in_use(file->fd);
		new = read_on(file, on_line, error);
		/* Nonsense, where another run began anew amid a line? */
		if (new == -1 && !is_another(file))
			return (-1);
	} while (new == -1 || (new == 1 && !in_use && !file->run.ended));
	if (file->run.ended)
		file->state = file->run.code == 0 ? RUN_DONE : RUN_FAILED;
	else
		file->state = in_use ? RUN_RUNNING : RUN_DIED;
	return (0);
}
