#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "zfs/stream_peek.h"
#include "zfs/zfs_command.h"

#define PEEK_MAX (60u << 10)	/* below a pipe's usual capacity */
#define RETRY_MS 10

#ifdef __linux__
/* A copy of what a pipe holds, by way of another pipe. */
static ssize_t
peek_pipe(int fd, void *buffer, size_t size)
{
	int ends[2];
	ssize_t seen;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return (-1);
	seen = tee(fd, ends[1], size, SPLICE_F_NONBLOCK);
	if (seen > 0)
		seen = io_read(ends[0], buffer, (size_t)seen);
	close(ends[0]);
	close(ends[1]);
	return (seen);
}
#else
static ssize_t
peek_pipe(int fd, void *buffer, size_t size)
{
	(void)fd;
	(void)buffer;
	(void)size;
	return (-1);
}
#endif

static ssize_t
peek(int fd, mode_t mode, void *buffer, size_t size)
{
	if (S_ISREG(mode))
		return (pread(fd, buffer, size, lseek(fd, 0, SEEK_CUR)));
	if (S_ISSOCK(mode))
		return (recv(fd, buffer, size, MSG_PEEK | MSG_DONTWAIT));
	return (peek_pipe(fd, buffer, size));
}

enum stream_peek
stream_peek(int fd, struct zstream *begin, struct error *error)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	enum stream_peek result = STREAM_UNSEEN;
	int64_t deadline = INT64_MAX;
	struct stat status;
	bool more = true;
	char *buffer;
	ssize_t seen;

	zstream_init(begin);
	buffer = malloc(PEEK_MAX);
	if (buffer == NULL || fstat(fd, &status) == -1)
		more = false;
	while (more && result == STREAM_UNSEEN) {
		/* No hurry before the first byte: the sender may think. */
		if (io_poll(&entry, 1, IO_FOREVER) == 0) {
			if (zfs_told_to_end())
				break;
			continue;	/* some child's end */
		}
		if (deadline == INT64_MAX)
			deadline = io_now() + STREAM_PEEK_MS;
		seen = peek(fd, status.st_mode, buffer, PEEK_MAX);
		more = seen > 0 && seen < (ssize_t)PEEK_MAX &&
		    (entry.revents & POLLHUP) == 0 && !S_ISREG(status.st_mode) &&
		    io_now() < deadline;
		zstream_init(begin);
		if (seen > 0 && zstream_feed(begin, buffer, (size_t)seen,
		    error) == -1)
			result = STREAM_INVALID;
		if (begin->begun)
			result = STREAM_SEEN;
		if (seen == 0)
			result = STREAM_EMPTY;
		if (more && result == STREAM_UNSEEN)
			io_poll(NULL, 0, io_now() + RETRY_MS);
	}
	free(buffer);
	return (result);
}
