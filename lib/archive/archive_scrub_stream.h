#ifndef ZR_ARCHIVE_SCRUB_STREAM_H
#define ZR_ARCHIVE_SCRUB_STREAM_H

#include "archive/archive.h"
#include "base/rate.h"

/*
 * Reading a stored stream again.  It leaves the page cache as it was: only pages that it
 * brought in are dropped.
 */
struct scrub_reading {
	struct rate rate;
	int64_t deadline;	/* IO_FOREVER */
	uint64_t bytes;		/* read, in all calls */
	void (*tick)(void *context);	/* after each piece */
	void *context;
};

struct scrub_damage {
	char text[512];
	bool has_place, has_object;	/* which of these are known */
	uint64_t from, to, object;
};

enum scrub_stream {
	SCRUB_STREAM_SOUND,
	SCRUB_STREAM_DAMAGED,
	SCRUB_STREAM_LATE	/* the deadline came first */
};

/* -1 (EXIT_SIGNAL and its number) if one has come that ends us. */
int	scrub_signal(struct error *error);

/*
 * Is the open file the stream of this snapshot?  enum scrub_stream; -1: it cannot be
 * read now, or a signal (signals.h) came.
 */
int	scrub_stream(int file, const struct archive_snapshot *snapshot,
	    struct scrub_reading *reading, struct scrub_damage *damage,
	    struct error *error);

#endif
