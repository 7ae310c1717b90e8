#ifndef ZR_LISTING_H
#define ZR_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "listing.pb-c.h"

/*
 * What an endpoint has (zr-plan(1)): a Listing in each line, in the order of the
 * filesystems' names by components ("a/b" before "a.b" and "a/b/c"), so that a
 * parent comes before its children.  The versions of each are in the order that
 * planning uses (listing_sort_versions()).
 */
#define LISTING_LINE_MAX	(64u << 20)	/* bytes */

struct listing {
	Listing **filesystems;		/* owned, by listing_entry_free() */
	size_t count;
	size_t room;
};

/*
 * A filesystem of a listing from an endpoint's answers.  versions is taken over in any
 * case; NULL: it is a placeholder or, with why, they could not be listed.  NULL
 * (EXIT_SYSTEM): out of memory.
 */
Listing	*listing_entry(const Filesystem *filesystem,
	    ListFilesystemVersionsRes *versions, const struct error *why,
	    struct error *error);
void	listing_entry_free(Listing *entry);

/*
 * Add an entry, which is taken over in any case; the filesystems are in order only after
 * listing_sort().  -1 (EXIT_SYSTEM): out of memory.
 */
int	listing_append(struct listing *listing, Listing *entry, struct error *error);

/* Put the filesystems in order; -1 (EXIT_USAGE) if one is there twice. */
int	listing_sort(struct listing *listing, struct error *error);

/*
 * Both from the lines of a file, or "-", standard input.  -1: it cannot be opened or read
 * (EXIT_SYSTEM), or a line is invalid; the error names the file, and the line's number.
 */
int	listing_read(struct listing *listing, const char *path, struct error *error);

/*
 * By createtxg, then a bookmark before a snapshot, then by name, so that the order in
 * which a peer lists them has no effect.
 */
void	listing_sort_versions(Listing *filesystem);

/* NULL if it is not listed.  The listing must be sorted. */
const Listing *listing_find(const struct listing *listing, const char *name);

/* Or else a bookmark. */
bool	version_is_snapshot(const FilesystemVersion *version);

/* strcmp(3) for filesystem names, by components. */
int	listing_compare_names(const char *a, const char *b);

/* Is name below ancestor?  A filesystem is not below itself. */
bool	listing_is_below(const char *name, const char *ancestor);

void	listing_free(struct listing *listing);

#endif
