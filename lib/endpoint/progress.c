#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/number.h"
#include "base/signals.h"
#include "endpoint/progress.h"
#include "endpoint/side_pipe.h"

#define ENVIRONMENT "ZR_PROGRESS"

int
progress_open(struct progress *progress, int64_t now, struct error *error)
{
	const char *text = getenv(ENVIRONMENT);

	*progress = (struct progress){ .fd = -1, .next = now + PROGRESS_MS,
	    .started = now };
	signals_catch(SIGUSR1);
	if (text == NULL)
		return (0);
	progress->fd = number_parse_fd(text, 0);
	if (progress->fd == -1 || fcntl(progress->fd, F_GETFD) == -1)
		return (error_set(error, EXIT_USAGE,
		    ENVIRONMENT " is not an open descriptor: %s", text));
	unsetenv(ENVIRONMENT);
	io_set_cloexec(progress->fd, true);
	return (0);
}

static void
report(struct progress *progress, uint64_t bytes)
{
	char line[48];
	int length;

	/* The stream must not wait: a reader that is slow misses a line. */
	if (progress->fd == -1 || io_ready(progress->fd, POLLOUT) == 0)
		return;
	length = snprintf(line, sizeof(line), "{\"bytes\":%" PRIu64 "}\n", bytes);
	if (io_write(progress->fd, line, (size_t)length) != length)
		progress->fd = -1;	/* nobody listens any more */
}

void
progress_tick(struct progress *progress, uint64_t bytes, int64_t now)
{
	if (now >= progress->next) {
		report(progress, bytes);
		progress->next = now + PROGRESS_MS;
	}
	if (signals_take(SIGUSR1))
		diag("%" PRIu64 " bytes of the stream in %.1f s", bytes,
		    (double)(now - progress->started) / 1000);
}

int64_t
progress_deadline(const struct progress *progress)
{
	return (progress->fd == -1 ? IO_FOREVER : progress->next);
}

void
progress_end(struct progress *progress, uint64_t bytes)
{
	report(progress, bytes);
}

int
progress_offer(struct progress_reader *reader, struct error *error)
{
	reader->fd = side_pipe_open(SIDE_PIPE_WRITTEN, ENVIRONMENT, error);
	return (reader->fd == -1 ? -1 : 0);
}

static void
take_line(struct progress_reader *reader, const char *line, size_t length)
{
	static const char begin[] = "{\"bytes\":";
	const size_t before = strlen(begin);
	char digits[PROGRESS_LINE_MAX + 1];
	uint64_t bytes;

	if (length > PROGRESS_LINE_MAX || length <= before ||
	    memcmp(line, begin, before) != 0 || line[length - 1] != '}')
		return;
	memcpy(digits, line + before, length - before);
	digits[length - before - 1] = '\0';
	if (!number_parse(&bytes, digits, 10, 0, INT64_MAX))
		return;
	reader->known = true;
	reader->bytes = bytes;
}

void
progress_read(struct progress_reader *reader)
{
	struct error ignored;
	const char *line;
	size_t length;
	int result;

	if (reader->fd == -1)
		return;
	result = lines_read(&reader->lines, reader->fd, &ignored);
	while ((line = lines_next(&reader->lines, &length)) != NULL)
		take_line(reader, line, length);
	if (result == -1 || reader->lines.ended)
		io_close(&reader->fd);
}

void
progress_reader_free(struct progress_reader *reader)
{
	io_close(&reader->fd);
	lines_free(&reader->lines);
}
