#ifndef ZR_FEED_H
#define ZR_FEED_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Filling a child's standard input from a poll loop: first some bytes, then
 * all that another descriptor gives, by splice(2) where that can be done.
 *
 *	feed_wait(&feed, &entry);	an entry for io_poll()
 *	io_poll(...);
 *	feed_move(&feed);		does not block
 *
 * When everything has been moved, when from cannot be read any more and when
 * nobody reads to any more, to is closed: that is the whole of the end, and
 * whether the child got what it needed is for the child to say.  SIGPIPE must
 * be ignored.
 */
#define FEED_CHUNK 65536	/* bytes that are moved at a time */

struct feed {
	int to;			/* a pipe's writing end, non-blocking; owned; */
				/* -1: it is over */
	const uint8_t *bytes;	/* borrowed: what goes first */
	size_t left;		/* of bytes */
	int from;		/* borrowed: what follows; -1: nothing */
	bool full;		/* private: to must have room before from matters */
	bool copying;		/* private: from cannot be spliced */
	uint8_t *chunk;		/* private: what was read of it; owned */
};

#define FEED_NONE ((struct feed){ .to = -1, .from = -1 })

/* What to wait for next; an entry with fd -1 where it is over. */
void	feed_wait(const struct feed *feed, struct pollfd *entry);

/* Move what can be moved now, FEED_CHUNK bytes at most. */
void	feed_move(struct feed *feed);

/* Give up what is left, close to. */
void	feed_free(struct feed *feed);

#endif
