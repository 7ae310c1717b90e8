#ifndef ZR_ARCHIVE_SCRUB_STATE_H
#define ZR_ARCHIVE_SCRUB_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * How far the pass of a scrub has come, in a file at the root of the archive: one JSON
 * object on one line, which zr-archive(5) describes.
 */
#define ARCHIVE_SCRUB_STATE	"@scrub"
#define ARCHIVE_SCRUB_NEW	"@scrub.new"	/* being written */
#define ARCHIVE_SCRUB_LOCK	"@scrub.lock"	/* locked by the scrub that runs */
#define SCRUB_PATH_MAX		1024	/* bytes of a filesystem's name, with its client's */
#define SCRUB_STATE_MAX		2048	/* bytes of the text */

struct scrub_state {
	int64_t began;		/* seconds since the epoch; 0: never */
	int64_t finished;	/* 0: not yet */
	uint64_t streams, bytes;	/* read by the pass */
	char filesystem[SCRUB_PATH_MAX];	/* of the stream that was last; "": none */
	uint64_t guid;			/* its snapshot's */
};

/* False if the text is invalid.  Writes only to *state. */
bool	scrub_state_parse(const char *text, size_t length, struct scrub_state *state);
size_t	scrub_state_print(char text[SCRUB_STATE_MAX], const struct scrub_state *state);

/* Has the pass dealt with this snapshot?  Filesystems go by name, snapshots by guid. */
bool	scrub_state_is_past(const struct scrub_state *state, const char *filesystem,
	    uint64_t guid);

/* If the file is missing or invalid, no pass has begun; diag() reports an invalid one. */
void	scrub_state_read(int root, struct scrub_state *state);

/* Write it atomically, but unsynced: a crash costs a pass, at worst. */
int	scrub_state_write(int root, const struct scrub_state *state, struct error *error);

/* A descriptor that holds the lock until it is closed; -1 (EXIT_FAILED): it is taken. */
int	scrub_state_lock(int root, struct error *error);

#endif
