#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/feed.h"
#include "base/io.h"

void
feed_wait(const struct feed *feed, struct pollfd *entry)
{
	*entry = (struct pollfd){ .fd = feed->to, .events = POLLOUT };
	if (feed->to != -1 && feed->left == 0 && feed->from != -1 && !feed->full)
		*entry = (struct pollfd){ .fd = feed->from, .events = POLLIN };
}

/* From one kernel buffer into the other; -1 with EAGAIN if that would block. */
static ssize_t
move_by_splice(struct feed *feed)
{
	ssize_t moved = -1;

#ifdef __linux__
	do
		moved = splice(feed->from, NULL, feed->to, NULL, FEED_CHUNK,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (moved == -1 && errno == EINTR);
#else
	errno = EINVAL;
#endif
	feed->copying = moved == -1 && errno == EINVAL;
	return (moved);
}

/* The next bytes to write are those read; 0 at the end. */
static ssize_t
read_chunk(struct feed *feed)
{
	ssize_t got;

	if (feed->chunk == NULL && (feed->chunk = malloc(FEED_CHUNK)) == NULL)
		return (-1);
	got = io_read(feed->from, feed->chunk, FEED_CHUNK);
	if (got > 0) {
		feed->bytes = feed->chunk;
		feed->left = (size_t)got;
	}
	return (got);
}

static ssize_t
move_bytes(struct feed *feed)
{
	ssize_t moved = io_write(feed->to, feed->bytes,
	    feed->left < FEED_CHUNK ? feed->left : FEED_CHUNK);

	if (moved > 0) {
		feed->bytes += moved;
		feed->left -= (size_t)moved;
	}
	return (moved);
}

void
feed_move(struct feed *feed)
{
	const bool own = feed->left > 0;
	ssize_t moved = 0;

	if (feed->to == -1)
		return;
	if (own)
		moved = move_bytes(feed);
	else if (feed->from != -1 && !io_ready(feed->from, POLLIN)) {
		feed->full = false;
		return;
	} else if (feed->from != -1) {
		if (!feed->copying)
			moved = move_by_splice(feed);
		if (feed->copying)
			moved = read_chunk(feed);
	}
	feed->full = moved == -1 && errno == EAGAIN;
	if (moved > 0 && (own || !feed->copying))
		feed->moved += (uint64_t)moved;
	if ((moved <= 0 && !feed->full) ||
	    (own && feed->left == 0 && feed->from == -1))
		feed_free(feed);
}

void
feed_free(struct feed *feed)
{
	const uint64_t moved = feed->moved;

	io_close(&feed->to);
	free(feed->chunk);
	*feed = FEED_NONE;
	feed->moved = moved;
}
