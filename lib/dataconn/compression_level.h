#ifndef ZR_COMPRESSION_LEVEL_H
#define ZR_COMPRESSION_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much to compress the next piece of a stream, by what became of those before it.
 * Pure: times are the caller's, in microseconds.
 *
 * Every window it looks at the time that went by.  What was not spent waiting was spent on
 * compressing: on our own account, or since others had the processor.
 *
 *	the network took longer than compressing: the level rises
 *	nobody was waited for, we are the slowest: the level falls
 *	the lowest level takes over a quarter of it: none is tried, and kept if faster
 *	the source took longest: the level falls, to the lowest
 *
 * A higher level that made it slower is left again.  A level that was too slow, and none,
 * are tried again after twice as many windows each time.
 *
 * After a tried piece that hardly shrinks, one is sent as it is, after the next such piece
 * two, then four, at most COMPRESSION_LEVEL_SKIPS; after more than eight, the trial is at
 * the lowest level.  One whose sample looks better than those that were tried in vain is
 * not passed over.
 */
#define COMPRESSION_LEVEL_NONE		0	/* send it as it is */
#define COMPRESSION_LEVEL_PIECE		(64u << 10)	/* longer ones count as several */
#define COMPRESSION_LEVEL_SKIPS		512u
#define COMPRESSION_LEVEL_HOLDS		256u	/* windows, at most */

/*
 * A window: at least so many bytes, and so long that the turns of other processes, some
 * milliseconds each, are an average.
 */
#define COMPRESSION_LEVEL_WINDOW	(1u << 20)
#define COMPRESSION_LEVEL_WINDOW_US	20000

struct compression_level {
	size_t rung;		/* of the ladder of levels */
	/* The current window. */
	bool begun;
	int64_t since;
	uint64_t bytes;
	uint64_t shrunk;	/* those of them that were compressed with profit */
	int64_t compressing, network, source;

	int64_t packed_cost;	/* time for COMPRESSION_LEVEL_WINDOW bytes at the lowest */
				/* level; 0: unknown */

	size_t rung_before;	/* before it rose, */
	int64_t cost_before;	/* and the time then; 0: it did not rise */
	size_t ceiling;		/* the rung above was too slow, */
	unsigned ceiling_left;	/* and is for this many windows */
	unsigned ceiling_hold;	/* and the next time */
	unsigned none_left, none_hold;	/* the same for none, */
	unsigned some_left, some_hold;	/* and for leaving it */
	unsigned none_slow;	/* how often in a row none was no faster */

	bool tried;		/* the current piece is to be compressed */
	unsigned sample;	/* of it, */
	unsigned vain_sample;	/* and the best of those that did not shrink */
	unsigned skip_left;	/* pieces to be sent as they are */
	unsigned skips;		/* before the current trial; 0: this is no trial */
};

void	compression_level_init(struct compression_level *level);

/* Will the next piece be sent as it is, unless its sample is promising? */
bool	compression_level_passes(const struct compression_level *level);

/*
 * The level, Zstandard's, for the next piece; COMPRESSION_LEVEL_NONE.  sample is what
 * compression_sample() says of it.
 */
int	compression_level_next(struct compression_level *level, unsigned sample);

/*
 * That piece, of bytes bytes, became packed bytes, for which it took this processor time;
 * packed is the same as bytes if it is sent as it is.  For such a
 * piece compression_level_next() may be left out.
 */
void	compression_level_done(struct compression_level *level, size_t bytes,
	    size_t packed, int64_t took, int64_t now);

/* Time spent waiting for the network, or for the source and a limit of the rate. */
void	compression_level_waited(struct compression_level *level, bool network,
	    int64_t took);

#endif
