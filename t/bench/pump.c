/*
 * The least that framing can cost, nothing watched, nothing checked: a
 * yardstick for t/bench/dataconn.py, no program of zr.  Standard input to
 * standard output, one of them the network:
 *
 *	pump send, pump receive			one read and one write for each
 *						chunk, in one reused buffer
 *	pump splice-send, pump splice-receive	the bytes stay in the kernel
 *
 * With a second argument, "wide", chunks and pipe are as large as zr-dataconn's.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dataconn/frame.h"

#define CHUNK (128u << 10)
#define WIDE (512u << 10)

/* In the middle of a page, wherever the linker puts it: see lib/dataconn/dataconn_out.c. */
#define PAGE 4096u
static _Alignas(PAGE) uint8_t pages[PAGE + WIDE];
static size_t chunk = CHUNK;
static uint8_t *const buffer = pages + PAGE / 2 - FRAME_HEADER_SIZE;

static int
write_all(const uint8_t *bytes, size_t length)
{
	ssize_t put;

	for (; length > 0; bytes += put, length -= (size_t)put)
		if ((put = write(STDOUT_FILENO, bytes, length)) <= 0)
			return (-1);
	return (0);
}

static int
send_frames(void)
{
	ssize_t got;

	while ((got = read(STDIN_FILENO, buffer + FRAME_HEADER_SIZE, chunk)) > 0) {
		frame_encode(buffer, FRAME_ZFS_STREAM, (uint32_t)got);
		if (write_all(buffer, FRAME_HEADER_SIZE + (size_t)got) == -1)
			return (-1);
	}
	return ((int)got);
}

static int
receive_frames(void)
{
	struct frame_header header = { .length = 0 };
	size_t have = 0, want;
	ssize_t got;

	for (;;) {
		want = header.length > 0 ? (size_t)header.length + FRAME_HEADER_SIZE :
		    FRAME_HEADER_SIZE - have;
		got = read(STDIN_FILENO, buffer + have, want < chunk ? want : chunk);
		if (got <= 0)
			return ((int)got);
		if (header.length > 0) {
			want = (size_t)got < header.length ? (size_t)got : header.length;
			if (write_all(buffer, want) == -1)
				return (-1);
			header.length -= (uint32_t)want;
			have = (size_t)got - want;
			memmove(buffer, buffer + want, have);
		} else
			have += (size_t)got;
		if (header.length == 0 && have == FRAME_HEADER_SIZE) {
			frame_decode(&header, buffer);
			have = 0;
		}
	}
}

static int
move(size_t length)
{
	ssize_t moved;

	for (; length > 0; length -= (size_t)moved)
		if ((moved = splice(STDIN_FILENO, NULL, STDOUT_FILENO, NULL,
		    length, SPLICE_F_MOVE)) <= 0)
			return (-1);
	return (0);
}

static int
splice_send(void)
{
	struct pollfd entry = { .fd = STDIN_FILENO, .events = POLLIN };
	int waiting;

	while (poll(&entry, 1, -1) == 1) {
		if (ioctl(STDIN_FILENO, FIONREAD, &waiting) == -1)
			return (-1);
		if (waiting == 0)
			return (0);
		frame_encode(buffer, FRAME_ZFS_STREAM, (uint32_t)waiting);
		if (write_all(buffer, FRAME_HEADER_SIZE) == -1 ||
		    move((size_t)waiting) == -1)
			return (-1);
	}
	return (-1);
}

static int
splice_receive(void)
{
	struct frame_header header;
	size_t have = 0;
	ssize_t got;

	for (;;) {
		got = read(STDIN_FILENO, buffer + have, FRAME_HEADER_SIZE - have);
		if (got <= 0)
			return ((int)got);
		have += (size_t)got;
		if (have < FRAME_HEADER_SIZE)
			continue;
		have = 0;
		frame_decode(&header, buffer);
		if (move(header.length) == -1)
			return (-1);
	}
}

int
main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*pump)(void);
	} modes[] = { { "send", send_frames }, { "receive", receive_frames },
	    { "splice-send", splice_send }, { "splice-receive", splice_receive } };

	if (argc == 3 && strcmp(argv[2], "wide") == 0) {
		chunk = WIDE - PAGE;
		for (int fd = 0; fd < 2; fd++)
			(void)fcntl(fd, F_SETPIPE_SZ, (int)WIDE);
		argc = 2;
	}
	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return (modes[i].pump() == 0 ? 0 : 111);
	return (100);
}
