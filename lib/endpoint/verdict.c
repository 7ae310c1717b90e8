#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/number.h"
#include "base/utf8.h"
#include "endpoint/side_pipe.h"
#include "endpoint/verdict.h"

int
verdict_open(struct verdict *verdict, struct error *error)
{
	const char *value = getenv(VERDICT_ENVIRONMENT);
	int fd;

	*verdict = (struct verdict){ .fd = -1, .state = VERDICT_COMPLETE };
	if (value == NULL)
		return (0);
	fd = number_parse_fd(value, 0);
	if (fd == -1 || io_set_cloexec(fd, true) == -1)
		return (error_set(error, EXIT_USAGE,
		    VERDICT_ENVIRONMENT "=%s is not an open descriptor", value));
	unsetenv(VERDICT_ENVIRONMENT);
	verdict->fd = fd;
	verdict->state = VERDICT_PENDING;
	return (0);
}

/* The line is complete, or cannot come any more. */
static void
settle(struct verdict *verdict, bool whole_line)
{
	const size_t length = verdict->length;

	verdict->abandoned = !whole_line;
	if (whole_line && length == 1 && verdict->text[0] == '0') {
		verdict->state = VERDICT_COMPLETE;
		return;
	}
	verdict->state = VERDICT_INCOMPLETE;
	utf8_sanitize(verdict->text, verdict->text, length);
	if (length == 0)
		strlcpy(verdict->text, "the sender ended without a verdict on its stream",
		    sizeof(verdict->text));
	else if (length == 1)
		strlcat(verdict->text, ".", sizeof(verdict->text));
}

enum verdict_state
verdict_feed(struct verdict *verdict, const char *bytes, size_t size)
{
	const char *newline = memchr(bytes, '\n', size);
	size_t length = newline != NULL ? (size_t)(newline - bytes) : size;
	const size_t room = VERDICT_TEXT_MAX - verdict->length;

	if (length > room)
		length = room;
	memcpy(verdict->text + verdict->length, bytes, length);
	verdict->length += length;
	if (newline != NULL || size == 0)
		settle(verdict, newline != NULL);
	return (verdict->state);
}

enum verdict_state
verdict_read(struct verdict *verdict)
{
	char buffer[512];
	ssize_t got;

	if (verdict->state != VERDICT_PENDING)
		return (verdict->state);
	got = io_read(verdict->fd, buffer, sizeof(buffer));
	if (got == -1 && errno == EAGAIN)
		return (VERDICT_PENDING);
	if (verdict_feed(verdict, buffer, got > 0 ? (size_t)got : 0) !=
	    VERDICT_PENDING)
		io_close(&verdict->fd);
	if (verdict->abandoned)
		verdict->give_up_at = io_now() + VERDICT_GRACE_MS;
	return (verdict->state);
}

int64_t
verdict_deadline(const struct verdict *verdict)
{
	return (verdict->abandoned ? verdict->give_up_at : IO_FOREVER);
}

int
verdict_check(const struct verdict *verdict, struct error *error)
{
	if (!verdict->abandoned || io_now() < verdict->give_up_at)
		return (0);
	return (error_set(error, EXIT_FAILED, "%s", verdict->text));
}

int
verdict_wait(struct verdict *verdict, int64_t deadline, struct error *error)
{
	while (verdict->state == VERDICT_PENDING) {
		if (io_wait(verdict->fd, POLLIN, deadline, error) == -1)
			return (error_set(error, EXIT_TIMEOUT,
			    "no verdict on the stream in time"));
		verdict_read(verdict);
	}
	if (verdict->state == VERDICT_INCOMPLETE)
		return (error_set(error, EXIT_FAILED, "%s", verdict->text));
	return (0);
}

void
verdict_free(struct verdict *verdict)
{
	io_close(&verdict->fd);
}

int
verdict_offer(struct error *error)
{
	return (side_pipe_open(SIDE_PIPE_READ, VERDICT_ENVIRONMENT, error));
}

void
verdict_give(int *fd, const char *reason)
{
	char line[VERDICT_TEXT_MAX + 2];
	size_t length;

	if (*fd == -1)
		return;
	length = strlcpy(line, reason != NULL ? reason : "0", VERDICT_TEXT_MAX + 1);
	if (length > VERDICT_TEXT_MAX)
		length = VERDICT_TEXT_MAX;
	for (char *c = line; (c = strchr(c, '\n')) != NULL; )
		*c = ' ';
	line[length] = '\n';
	/* The pipe is empty, and has room for one line. */
	(void)io_write(*fd, line, length + 1);
	io_close(fd);
}
