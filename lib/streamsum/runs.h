#ifndef ZR_RUNS_H
#define ZR_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "streamsum/items.h"

/*
 * The data of an object as items: runs of adjoining pieces that are not all zero, an
 * item each, whatever the blocks in which they come.  Start with all zero.
 */
#define RUNS_PIECE 512	/* bytes: a block begins and ends at a multiple */

struct runs {
	uint64_t offset;	/* of the next byte */
	uint64_t length;	/* of the open run, bytes; 0: none is */
	uint64_t end;		/* its end's offset */
	uint8_t piece[RUNS_PIECE];
	size_t have;		/* of piece */
};

/* A block begins there.  The one before it is complete. */
void	runs_go_to(struct runs *runs, uint64_t offset);

/* The block's next bytes. */
void	runs_add(struct runs *runs, struct sha256 *sha256, const uint8_t *bytes, size_t length);

/* No more blocks. */
void	runs_end(struct runs *runs, struct sha256 *sha256);

#endif
