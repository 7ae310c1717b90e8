/*
 * The least that framing can cost: one read and one write for each chunk, in
 * one reused buffer, nothing watched, nothing checked.  A yardstick for
 * t/bench/dataconn.py, no program of zr.
 *
 *	pump send	standard input to frames on descriptor 7
 *	pump receive	frames on descriptor 6 to standard output
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "frame.h"

#define CHUNK (128u << 10)

static uint8_t buffer[FRAME_HEADER_SIZE + CHUNK];

static int
write_all(int fd, const uint8_t *bytes, size_t length)
{
	ssize_t put;

	for (; length > 0; bytes += put, length -= (size_t)put)
		if ((put = write(fd, bytes, length)) <= 0)
			return (-1);
	return (0);
}

static void
send_frames(void)
{
	ssize_t got;

	while ((got = read(0, buffer + FRAME_HEADER_SIZE, CHUNK)) > 0) {
		frame_encode(buffer, FRAME_ZFS_STREAM, (uint32_t)got);
		if (write_all(7, buffer, FRAME_HEADER_SIZE + (size_t)got) == -1)
			return;
	}
}

static void
receive_frames(void)
{
	struct frame_header header = { .length = 0 };
	size_t have = 0, want;
	ssize_t got;

	for (;;) {
		want = header.length > 0 ? (size_t)header.length + FRAME_HEADER_SIZE :
		    FRAME_HEADER_SIZE - have;
		got = read(6, buffer + have, want < CHUNK ? want : CHUNK);
		if (got <= 0)
			return;
		if (header.length > 0) {
			want = (size_t)got < header.length ? (size_t)got : header.length;
			if (write_all(1, buffer, want) == -1)
				return;
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

int
main(int argc, char *argv[])
{
	struct rusage used;

	if (argc != 2)
		return (100);
	if (strcmp(argv[1], "send") == 0)
		send_frames();
	else
		receive_frames();
	getrusage(RUSAGE_SELF, &used);
	fprintf(stderr, "%.3f\n", (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	return (0);
}
