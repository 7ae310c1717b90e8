/* feed: bytes, then a descriptor, into a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/feed.h"
#include "base/io.h"
#include "unit.h"

static char got[4 << 20];

/* Run it to its end, reading from the other end as a child would, but for stop. */
static size_t
run(struct feed *feed, int reader, size_t stop)
{
	struct pollfd entry;
	size_t length = 0;
	ssize_t part;

	for (;;) {
		feed_wait(feed, &entry);
		if (entry.fd != -1 && poll(&entry, 1, 0) == 1)
			feed_move(feed);
		if (length >= stop)
			return (length);
		part = io_read(reader, got + length, sizeof(got) - length);
		if (part == 0)
			return (length);
		if (part > 0)
			length += (size_t)part;
	}
}

static struct feed
start(int ends[2], const char *bytes, size_t length, int from)
{
	struct feed feed = FEED_NONE;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		exit(111);
	feed.to = ends[1];
	feed.bytes = (const uint8_t *)bytes;
	feed.left = length;
	feed.from = from;
	return (feed);
}

int
main(void)
{
	static char large[3 << 20];
	struct feed feed;
	int ends[2], source[2], file;

	signal(SIGPIPE, SIG_IGN);
	memset(large, 'x', sizeof(large));
	TEST("bytes alone, also none, and more than a pipe holds") {
		feed = start(ends, "abc", 3, -1);
		CHECK(run(&feed, ends[0], SIZE_MAX) == 3 && memcmp(got, "abc", 3) == 0);
		CHECK(feed.to == -1);
		close(ends[0]);
		feed = start(ends, NULL, 0, -1);
		CHECK(run(&feed, ends[0], SIZE_MAX) == 0);
		close(ends[0]);
		feed = start(ends, large, sizeof(large), -1);
		CHECK(run(&feed, ends[0], SIZE_MAX) == sizeof(large));
		CHECK(feed.moved == sizeof(large));
		CHECK(memcmp(got, large, sizeof(large)) == 0);
		close(ends[0]);
	}
	TEST("then what a pipe gives, when it gives it") {
		CHECK(pipe2(source, O_CLOEXEC) == 0);
		feed = start(ends, "abc", 3, source[0]);
		CHECK(run(&feed, ends[0], 3) == 3);
		feed_move(&feed);	/* nothing is there yet */
		CHECK(feed.to != -1);
		CHECK(write(source[1], "defg", 4) == 4);
		CHECK(run(&feed, ends[0], 4) == 4 && memcmp(got, "defg", 4) == 0);
		CHECK(write(source[1], "h", 1) == 1);
		close(source[1]);
		CHECK(run(&feed, ends[0], SIZE_MAX) == 1 && got[0] == 'h');
		CHECK(feed.to == -1 && feed.moved == 8);
		close(source[0]);
		close(ends[0]);
	}
	TEST("then what can only be read, such as a device or a file") {
		file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		feed = start(ends, "abc", 3, file);
		CHECK(run(&feed, ends[0], 2 << 20) >= 2 << 20);
		CHECK(memcmp(got, "abc\0\0\0", 6) == 0);
		feed_free(&feed);
		close(file);
		close(ends[0]);
		file = open("/dev/null", O_RDONLY | O_CLOEXEC);
		feed = start(ends, "abc", 3, file);
		CHECK(run(&feed, ends[0], SIZE_MAX) == 3 && feed.moved == 3);
		close(file);
		close(ends[0]);
	}
	TEST("it is over where nobody reads any more") {
		feed = start(ends, large, sizeof(large), -1);
		CHECK(run(&feed, ends[0], 5) >= 5);
		close(ends[0]);
		feed_move(&feed);
		CHECK(feed.to == -1);
		feed_move(&feed);
		feed_free(&feed);
	}
	return (unit_end());
}
