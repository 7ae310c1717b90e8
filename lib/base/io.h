#ifndef ZR_IO_H
#define ZR_IO_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct buffer;

/*
 * The only place that reads, writes, polls and asks the clock.  Everything
 * here retries EINTR by itself, except io_poll(), which returns so that its
 * caller can look at signals_take() (signals.h).
 *
 * Times are absolute, in milliseconds of the monotonic clock.
 */
#define IO_FOREVER INT64_MAX

int64_t	io_now(void);
int64_t	io_now_us(void);	/* the same in microseconds */

/* The processor time that this process has taken, in microseconds. */
int64_t	io_cpu_us(void);

/* The time of day, in seconds since the epoch: for people, not for deadlines. */
int64_t	io_time_of_day(void);
int64_t	io_time_of_day_ms(void);

/* The earlier of two deadlines. */
int64_t	io_earlier(int64_t a, int64_t b);

/*
 * poll(2) until an event or the deadline, with the signals of signals.h let through.
 * Entries with fd < 0 are passed over, however many there are.  Returns the number of
 * entries with events, 0 at the deadline or after a signal.  It does not fail: if poll(2)
 * fails for good, no loop could go on, and the program ends with EXIT_SYSTEM and a line
 * that says why.
 */
int	io_poll(struct pollfd *entries, size_t count, int64_t deadline);

/*
 * Which of the events does fd have now, POLLHUP and POLLERR included?  0 for -1.  For a
 * look at a descriptor between two calls of io_poll(): it does not wait, and lets no
 * signal through, since that signal would not wake the next io_poll().
 */
short	io_ready(int fd, short events);

/* Until fd is ready for events, POLLIN or POLLOUT; -1 (EXIT_TIMEOUT): late. */
int	io_wait(int fd, short events, int64_t deadline, struct error *error);

int	io_set_nonblocking(int fd, bool on);
int	io_set_cloexec(int fd, bool on);

/*
 * Make fd non-blocking if it is a pipe or a socket, as only those make a writer wait for
 * a peer; a terminal's mode is shared with other programs.  True if that changed fd: undo
 * it in the end, for others that share fd.
 */
bool	io_unblock(int fd);

/*
 * Let a pipe hold at least size bytes.  False: fd is no pipe, or the system or the user's
 * limit (pipe(7), /proc/sys/fs) allows no more; it then holds what it did.
 */
bool	io_widen_pipe(int fd, size_t size);

/*
 * If fd is TCP, let the kernel hold little more than size bytes that it has not sent yet,
 * by default some megabytes.  Bytes in flight, of which a long path needs many, are not
 * limited.
 */
void	io_limit_unsent(int fd, size_t size);

/*
 * If fd is TCP, let poll(2) report it as readable only once size bytes wait, or fewer that
 * fill the window, an end or an error.
 */
void	io_low_water(int fd, size_t size);

/*
 * For connections that read(2) and shutdown(2) alone can neither read nor end, such as
 * kernel TLS.  A program that may be given one installs the hook once, before it reads.
 * On any other descriptor each function does what read(2) and shutdown(2) would do.
 */
struct io_hook {
	/* read(2) failed with EIO: what io_read() returns instead. */
	ssize_t (*read)(int fd, void *buffer, size_t size);
	/* Before shutdown(2): 0; -1 with errno, EAGAIN where there is no room yet. */
	int (*end)(int fd);
	/* After end of file: how the peer ended, to be added to an error's text. */
	const char *(*end_remark)(int fd);
	/* What the peer did to cause this errno: "refused ...", or NULL. */
	const char *(*blame)(int error_number);
};

void	io_set_hook(const struct io_hook *hook);

/*
 * read(2) and write(2): the number of bytes, 0 at end of file, -1 with errno
 * (EAGAIN included, with a hook for a blocking descriptor, too).
 */
ssize_t	io_read(int fd, void *buffer, size_t size);
ssize_t	io_write(int fd, const void *buffer, size_t size);

/*
 * Exactly size bytes and never one more, by the deadline; the descriptor may be blocking
 * or not.  End of file and a peer's reset are errors (ERROR_END), and so is the deadline
 * (EXIT_TIMEOUT).
 */
int	io_read_exactly(int fd, void *buffer, size_t size, int64_t deadline,
	    struct error *error);
int	io_write_all(int fd, const void *buffer, size_t size, int64_t deadline,
	    struct error *error);

/* Write all of a buffer to standard output, which the error names, and empty it. */
int	io_print(struct buffer *out, struct error *error);

/*
 * Write what standard output takes now.  PIPE_BUF bytes at a time: more could block, and
 * with it whatever else waits in the caller's poll loop.
 */
int	io_print_ready(struct buffer *out, struct error *error);

/*
 * One line.  The newline is not stored; the line is NUL-terminated.  size includes the
 * NUL.  IO_LINE_ALONE reads byte by byte, so that what follows the line stays in the
 * pipe; IO_LINE_AND_REST is for a descriptor of which only this line is wanted.  Returns
 * its length; -1 at end of file before a newline (ERROR_END), and if the line is too
 * long, holds a NUL, or is late.
 */
enum io_line {
	IO_LINE_ALONE,
	IO_LINE_AND_REST
};

ssize_t	io_read_line(int fd, enum io_line what, char *line, size_t size,
	    int64_t deadline, struct error *error);

/*
 * shutdown(SHUT_WR) if fd is a socket; does nothing and returns 0 if it is not.  With a
 * hook it may wait for the peer to read.
 */
int	io_half_close(int fd);

/* Bytes that the peer's kernel has not acknowledged yet; -1 where unknown. */
int	io_unacknowledged(int fd);

/*
 * The text to add to a message that fd ended too early: the reason, if a hook knows it,
 * or "".
 */
const char *io_end_remark(int fd);

/* close(2) and set to -1; does nothing for -1. */
void	io_close(int *fd);

#endif
