#ifndef ZR_FEED_H
#define ZR_FEED_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Filling a child's standard input from a poll loop: first some bytes, then
 * everything from another descriptor, by splice(2) if possible.
 *
 *	feed_wait(&feed, &entry);	an entry for io_poll()
 *	io_poll(...);
 *	feed_move(&feed);		does not block
 *
 * to is closed when everything has been moved, when from can no longer be read and
 * when to has no reader any more.  These three ends are not distinguished: the child
 * knows whether it got its input.  SIGPIPE must be ignored.
 */
#define FEED_CHUNK 65536	/* bytes moved at a time */

struct feed {
	int to;			/* a pipe's writing end, non-blocking; owned; */
				/* -1: done */
	const uint8_t *bytes;	/* borrowed: moved first */
	size_t left;		/* of bytes */
	int from;		/* borrowed: moved after bytes; -1: nothing */
	uint64_t moved;		/* bytes so far; stays when the feed is done */
	bool full;		/* private: to must have room before from matters */
	bool copying;		/* private: from cannot be spliced */
	uint8_t *chunk;		/* private: bytes read from it; owned */
};

#define FEED_NONE ((struct feed){ .to = -1, .from = -1 })

/* The entry to poll next; its fd is -1 when the feed is done. */
void	feed_wait(const struct feed *feed, struct pollfd *entry);

/* Move the bytes that can be moved now, at most FEED_CHUNK. */
void	feed_move(struct feed *feed);

/* Discard the rest and close to. */
void	feed_free(struct feed *feed);

#endif
