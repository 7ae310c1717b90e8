#ifndef ZR_COMPRESSION_H
#define ZR_COMPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Compressed frames (zr-protocol(7), Compressed frames).  The payload is the number of
 * bytes that it inflates to, 4 bytes in network order, then a piece of one Zstandard
 * stream, which goes on from each compressed frame of a connection to the next: a text
 * that is repeated 2 MiB later still costs nothing.  Each piece is flushed.
 */
#define COMPRESSION_PREFIX_SIZE	4
#define COMPRESSION_WINDOW_LOG	21	/* of the number of bytes referred to */

/*
 * The sending side.  Up to 15 MiB of memory at the highest level, 3 MiB at the lowest.
 */
struct compressor {
	void *context;		/* NULL: nothing has been compressed */
	int level;		/* of what is open, */
	bool open;		/* the current Zstandard frame */
};

/* The most bytes that compressor_run() makes of size bytes. */
size_t	compressor_bound(size_t size);

/*
 * Compress size bytes into out, of compressor_bound() bytes.  level is Zstandard's, and
 * may change at any time, but forgets what was sent before.  Returns the length; 0 if it
 * failed: it cannot be used again then.
 */
size_t	compressor_run(struct compressor *compressor, int level,
	    const uint8_t *bytes, size_t size, uint8_t *out);
void	compressor_free(struct compressor *compressor);

/*
 * The receiving side, for bytes from a peer that may be hostile.  What it holds: a window
 * of 2 MiB and two blocks of 128 KiB.  Start with all zero.
 */
#define DECOMPRESSOR_PIECE	(128u << 10)	/* bytes, at most, at once */

struct decompressor {
	void *context;		/* NULL: nothing was to be inflated */
	uint8_t *out;
	const uint8_t *in;	/* the caller's bytes, */
	size_t in_length;	/* not consumed yet */
	size_t left;		/* bytes that the frame must still inflate to */
	bool last;		/* in ends the frame */
	bool full;		/* there may be more without further input */
	unsigned magic;		/* bytes of a Zstandard frame's magic number seen */
};

/* A frame begins, which says that it inflates to length bytes. */
void	decompressor_begin(struct decompressor *decompressor, size_t length);

/*
 * More of its payload, which must stay where it is until all of it is consumed; last:
 * the frame ends with it.
 */
void	decompressor_feed(struct decompressor *decompressor, const uint8_t *bytes,
	    size_t size, bool last);

/*
 * The next inflated bytes, valid until the next call.  Returns 1 with at least one byte, or
 * 0 when all that was fed is consumed; -1 and *error if the payload is corrupt, or inflates
 * to more or fewer bytes than its frame says (EXIT_PROTOCOL), or for lack of memory.
 */
int	decompressor_next(struct decompressor *decompressor, const uint8_t **bytes,
	    size_t *length, struct error *error);
void	decompressor_free(struct decompressor *decompressor);

#endif
