#ifndef ZR_REASONS_H
#define ZR_REASONS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Why snapshots of a filesystem were not destroyed: each reason once, with the number of
 * its snapshots.  Only the first REASONS_MAX are kept.
 */
#define REASONS_MAX	4
#define REASON_SIZE	1024	/* bytes */

struct reason {
	char text[REASON_SIZE];
	const char *snapshot;	/* the first with it; borrowed */
	size_t count;
};

struct reasons {
	struct reason *reasons;	/* owned */
	size_t count;
	size_t others;		/* snapshots with a reason that is not kept */
};

/* Texts that differ only in the snapshot's name are one reason.  False: out of memory. */
bool	reasons_add(struct reasons *reasons, const char *snapshot, const char *text);

/* A line for each on standard error. */
void	reasons_say(const struct reasons *reasons, const char *filesystem);

void	reasons_free(struct reasons *reasons);

#endif
