#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "zfs/stream_peek.h"

#define PAUSE_MIN_MS	1	/* between two looks; each pause is longer */
#define PAUSE_MAX_MS	128
#define PIECE_SIZE	65536	/* bytes read at a time */

enum seen {
	SEEN_MORE,
	SEEN_NOTHING_NEW,
	SEEN_CANNOT,		/* the rest can only be seen by reading it */
	SEEN_ERROR
};

/* Wait for bytes or the end.  *hung_up: nobody can write to it any more. */
static int
wait_for_bytes(int fd, struct verdict *verdict, bool *hung_up,
    struct error *error)
{
	struct pollfd entries[2];

	for (;;) {
		entries[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
		entries[1] = (struct pollfd){ .fd = verdict->fd, .events = POLLIN };
		io_poll(entries, 2, IO_FOREVER);
		*hung_up = (entries[0].revents & (POLLHUP | POLLERR)) != 0;
		/* Look at bytes that came before a bad verdict first. */
		if (entries[0].revents != 0)
			return (0);
		if (entries[1].revents != 0 &&
		    verdict_read(verdict) == VERDICT_INCOMPLETE)
			return (verdict_wait(verdict, IO_FOREVER, error));
	}
}

/* --- without taking anything --- */

#ifdef __linux__
/* Copy the contents of a pipe, by way of another pipe of that size. */
static ssize_t
peek_pipe(int fd, void *buffer, size_t size)
{
	ssize_t seen = -1;
	int ends[2];

	errno = ENOBUFS;
	if (!io_widen_pipe(fd, size) || pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return (-1);
	if (io_widen_pipe(ends[1], (size_t)fcntl(fd, F_GETPIPE_SZ)))
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
	errno = ENOSYS;
	return (-1);
}
#endif

/* Append newly visible bytes to the head. */
static enum seen
look_once(int fd, mode_t mode, struct stream_head *head, struct error *error)
{
	const size_t before = buffer_length(&head->bytes);
	const size_t size = before + stream_head_missing(head);
	enum seen result = SEEN_NOTHING_NEW;
	uint8_t *buffer;
	ssize_t got;

	if (size > STREAM_PEEK_MAX || (buffer = malloc(size)) == NULL)
		return (SEEN_CANNOT);
	got = S_ISSOCK(mode) ? recv(fd, buffer, size, MSG_PEEK | MSG_DONTWAIT) :
	    peek_pipe(fd, buffer, size);
	if (got == -1 && errno != EAGAIN)
		result = SEEN_CANNOT;
	if (got == 0) {
		stream_head_end(head, error);
		result = SEEN_ERROR;
	}
	if (got > (ssize_t)before)
		result = stream_head_feed(head, buffer + before,
		    (size_t)got - before, error) == -1 ? SEEN_ERROR : SEEN_MORE;
	free(buffer);
	return (result);
}

/* SEEN_MORE: the head is complete. */
static enum seen
look(int fd, mode_t mode, struct stream_head *head, struct verdict *verdict,
    struct error *error)
{
	int64_t pause = PAUSE_MIN_MS, paused = 0;
	enum seen result = SEEN_MORE;
	bool hung_up;

	if (!S_ISSOCK(mode) && !S_ISFIFO(mode))
		return (SEEN_CANNOT);
	while (!head->known) {
		if (wait_for_bytes(fd, verdict, &hung_up, error) == -1)
			return (SEEN_ERROR);
		result = look_once(fd, mode, head, error);
		if (result == SEEN_CANNOT || result == SEEN_ERROR)
			return (result);
		if (result == SEEN_MORE)
			continue;
		if (hung_up || paused >= STREAM_PEEK_MS)
			return (SEEN_CANNOT);
		/* As there are unread bytes, poll(2) would not wait for more. */
		io_poll(NULL, 0, io_now() + pause);
		paused += pause;
		if (pause < PAUSE_MAX_MS)
			pause *= 2;
	}
	return (SEEN_MORE);
}

/* --- by reading --- */

/* Read a file without moving its offset; take the bytes of everything else. */
static int
take(int fd, mode_t mode, struct stream_head *head, struct verdict *verdict,
    struct error *error)
{
	static uint8_t piece[PIECE_SIZE];
	size_t missing;
	bool hung_up;
	ssize_t got;

	while ((missing = stream_head_missing(head)) > 0) {
		if (wait_for_bytes(fd, verdict, &hung_up, error) == -1)
			return (-1);
		if (missing > sizeof(piece))
			missing = sizeof(piece);
		got = S_ISREG(mode) ? pread(fd, piece, missing,
		    lseek(fd, 0, SEEK_CUR) + (off_t)buffer_length(&head->bytes)) :
		    io_read(fd, piece, missing);
		if (got == -1 && errno != EAGAIN)
			return (error_errno(error, "cannot read the stream"));
		if (got == 0)
			return (stream_head_end(head, error));
		if (got > 0 && stream_head_feed(head, piece, (size_t)got,
		    error) == -1)
			return (-1);
	}
	return (0);
}

int
stream_peek(int fd, struct stream_head *head, bool *taken,
    struct verdict *verdict, struct error *error)
{
	struct stat status;

	*taken = false;
	if (fstat(fd, &status) == -1)
		return (error_errno(error, "the stream"));
	switch (look(fd, status.st_mode, head, verdict, error)) {
	case SEEN_ERROR:
		return (-1);
	case SEEN_CANNOT:
		*taken = !S_ISREG(status.st_mode);
		stream_head_free(head);
		return (take(fd, status.st_mode, head, verdict, error));
	default:
		return (0);
	}
}
