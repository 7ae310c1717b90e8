#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

#include "base/buffer.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/program.h"
#include "base/signals.h"

#define HALF_CLOSE_MS 10000	/* for the hook's last bytes to find room */

static const struct io_hook *hook;

static int
poll_until(struct pollfd *entries, size_t count, int64_t deadline)
{
	struct timespec wait, *timeout = NULL;
	int64_t left;

	if (deadline != IO_FOREVER) {
		left = deadline - io_now();
		if (left < 0)
			left = 0;
		wait.tv_sec = (time_t)(left / 1000);
		wait.tv_nsec = (long)(left % 1000) * 1000000;
		timeout = &wait;
	}
	return (ppoll(entries, (nfds_t)count, timeout, signals_open_mask()));
}

/*
 * The same without the unused entries: poll(2) counts them, too, and takes no
 * more than RLIMIT_NOFILE.
 */
static int
poll_used(struct pollfd *entries, size_t count, int64_t deadline)
{
	struct pollfd *used = calloc(count, sizeof(*used));
	size_t used_count = 0;
	int ready, saved;

	if (used == NULL)
		return (-1);
	for (size_t i = 0; i < count; i++)
		if (entries[i].fd >= 0)
			used[used_count++] = entries[i];
	ready = poll_until(used, used_count, deadline);
	saved = errno;
	used_count = 0;
	for (size_t i = 0; i < count; i++)
		entries[i].revents = entries[i].fd >= 0 ?
		    used[used_count++].revents : 0;
	free(used);
	errno = saved;
	return (ready);
}

int
io_poll(struct pollfd *entries, size_t count, int64_t deadline)
{
	int ready = poll_until(entries, count, deadline);

	if (ready == -1 && errno == EINVAL)
		ready = poll_used(entries, count, deadline);
	if (ready != -1)
		return (ready);
	if (errno == EINVAL)
		die(EXIT_SYSTEM, "poll: more descriptors than the limit allows "
		    "(ulimit -n)");
	if (errno != EINTR && errno != EAGAIN)
		die_errno("poll");
	for (size_t i = 0; i < count; i++)
		entries[i].revents = 0;
	return (0);
}

static int
set_flag(int fd, int get, int set, int flag, bool on)
{
	int flags = fcntl(fd, get);

	if (flags == -1)
		return (-1);
	if (((flags & flag) != 0) == on)
		return (0);
	return (fcntl(fd, set, on ? flags | flag : flags & ~flag) == -1 ? -1 : 0);
}

int
io_set_nonblocking(int fd, bool on)
{
	return (set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on));
}

int
io_set_cloexec(int fd, bool on)
{
	return (set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on));
}

bool
io_unblock(int fd)
{
	struct stat status;

	return (fstat(fd, &status) == 0 &&
	    (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)) &&
	    (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 &&
	    io_set_nonblocking(fd, true) == 0);
}

bool
io_widen_pipe(int fd, size_t size)
{
#ifdef F_SETPIPE_SZ
	const int capacity = fcntl(fd, F_GETPIPE_SZ);

	return (capacity != -1 && (size <= (size_t)capacity ||
	    fcntl(fd, F_SETPIPE_SZ, (int)size) != -1));
#else
	(void)fd;
	(void)size;
	return (false);
#endif
}

void
io_limit_unsent(int fd, size_t size)
{
#ifdef TCP_NOTSENT_LOWAT
	const int bytes = (int)size;

	/* If this fails (not TCP, or an old kernel), what waits is longer. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
	    sizeof(bytes));
#else
	(void)fd;
	(void)size;
#endif
}

void
io_low_water(int fd, size_t size)
{
	const int bytes = (int)size;

	/* If this fails (no socket), we are woken more often. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

static void
forget_hook(void)
{
	hook = NULL;
}

void
io_set_hook(const struct io_hook *wanted)
{
	hook = wanted;
	program_at_exec(forget_hook);
}

ssize_t
io_read(int fd, void *buffer, size_t size)
{
	ssize_t got;

	do
		got = read(fd, buffer, size);
	while (got == -1 && errno == EINTR);
	if (got == -1 && errno == EIO && hook != NULL)
		return (hook->read(fd, buffer, size));
	return (got);
}

ssize_t
io_write(int fd, const void *buffer, size_t size)
{
	ssize_t put;

	do
		put = write(fd, buffer, size);
	while (put == -1 && errno == EINTR);
	return (put);
}

short
io_ready(int fd, short events)
{
	struct pollfd entry = { .fd = fd, .events = events };

	if (fd == -1)
		return (0);
	while (poll(&entry, 1, 0) == -1)
		if (errno != EINTR)
			return (0);
	return (entry.revents);
}

int
io_wait(int fd, short events, int64_t deadline, struct error *error)
{
	struct pollfd entry = { .fd = fd, .events = events };

	while (io_poll(&entry, 1, deadline) == 0)
		if (io_now() >= deadline)
			return (error_set(error, EXIT_TIMEOUT, "timed out"));
	return (0);
}

/* A read or write failed: EXIT_PROTOCOL if the peer did it. */
static int
transfer_failed(int fd, const char *what, struct error *error)
{
	const int why = errno;
	const char *blame = hook != NULL ? hook->blame(why) : NULL;
	socklen_t length = sizeof(int);
	int type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0) {
		if (why == ECONNRESET || why == EPIPE)
			return (error_end(error, "the peer reset the connection"));
		if (blame != NULL)
			return (error_set(error, EXIT_PROTOCOL, "the peer %s",
			    blame));
	}
	errno = why;
	return (error_errno(error, "%s", what));
}

int
io_read_exactly(int fd, void *buffer, size_t size, int64_t deadline,
    struct error *error)
{
	size_t have = 0;
	ssize_t got;

	while (have < size) {
		if (io_wait(fd, POLLIN, deadline, error) == -1)
			return (-1);
		got = io_read(fd, (char *)buffer + have, size - have);
		if (got == 0)
			return (error_end(error, "connection closed after %zu "
			    "of %zu bytes%s", have, size, io_end_remark(fd)));
		if (got == -1) {
			if (errno == EAGAIN)
				continue;
			return (transfer_failed(fd, "read", error));
		}
		have += (size_t)got;
	}
	return (0);
}

int
io_write_all(int fd, const void *buffer, size_t size, int64_t deadline,
    struct error *error)
{
	size_t done = 0;
	ssize_t put;

	while (done < size) {
		if (io_wait(fd, POLLOUT, deadline, error) == -1)
			return (-1);
		put = io_write(fd, (const char *)buffer + done, size - done);
		if (put == -1) {
			if (errno == EAGAIN)
				continue;
			return (transfer_failed(fd, "write", error));
		}
		done += (size_t)put;
	}
	return (0);
}

int
io_print(struct buffer *out, struct error *error)
{
	if (io_write_all(STDOUT_FILENO, buffer_front(out), buffer_length(out),
	    IO_FOREVER, error) == -1)
		return (error_prefix(error, "standard output"));
	buffer_consume(out, buffer_length(out));
	return (0);
}

int
io_print_ready(struct buffer *out, struct error *error)
{
	size_t length;
	ssize_t put;

	while ((length = buffer_length(out)) > 0 &&
	    io_ready(STDOUT_FILENO, POLLOUT) != 0) {
		put = io_write(STDOUT_FILENO, buffer_front(out),
		    length < PIPE_BUF ? length : PIPE_BUF);
		if (put == -1 && errno == EAGAIN)
			return (0);
		if (put == -1)
			return (error_errno(error, "standard output"));
		buffer_consume(out, (size_t)put);
	}
	return (0);
}

ssize_t
io_read_line(int fd, enum io_line what, char *line, size_t size,
    int64_t deadline, struct error *error)
{
	size_t have = 0, length;
	char *end;
	ssize_t got;

	for (;;) {
		if (deadline != IO_FOREVER &&
		    io_wait(fd, POLLIN, deadline, error) == -1)
			return (-1);
		got = io_read(fd, line + have,
		    what == IO_LINE_ALONE ? 1 : size - have);
		if (got == -1 && errno == EAGAIN) {
			if (io_wait(fd, POLLIN, deadline, error) == -1)
				return (-1);
			continue;
		}
		if (got == -1)
			return (error_errno(error, "read"));
		if (got == 0)
			return (error_end(error, have == 0 ? "end of file" :
			    "the line has no end"));
		end = memchr(line + have, '\n', (size_t)got);
		length = end != NULL ? (size_t)(end - line) : have + (size_t)got;
		if (memchr(line + have, '\0', length - have) != NULL)
			return (error_set(error, EXIT_PROTOCOL,
			    "the line holds a NUL byte"));
		if (end != NULL) {
			*end = '\0';
			return ((ssize_t)length);
		}
		have = length;
		if (have == size)
			return (error_set(error, EXIT_PROTOCOL,
			    "the line is longer than %zu bytes", size - 1));
	}
}

int
io_half_close(int fd)
{
	const int64_t deadline = io_now() + HALF_CLOSE_MS;
	struct error ignored;

	/* If the peer no longer takes anything, it gets the FIN alone. */
	while (hook != NULL && hook->end(fd) == -1 &&
	    (errno == EAGAIN || errno == EINTR) &&
	    io_wait(fd, POLLOUT, deadline, &ignored) == 0)
		continue;
	if (shutdown(fd, SHUT_WR) == 0 || errno == ENOTSOCK || errno == ENOTCONN)
		return (0);
	return (-1);
}

int
io_unacknowledged(int fd)
{
	int bytes = -1;

#ifdef SIOCOUTQ
	if (ioctl(fd, SIOCOUTQ, &bytes) == -1)
		bytes = -1;
#else
	(void)fd;
#endif
	return (bytes);
}

const char *
io_end_remark(int fd)
{
	return (hook != NULL ? hook->end_remark(fd) : "");
}

void
io_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}
