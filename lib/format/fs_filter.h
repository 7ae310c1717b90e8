#ifndef ZR_FS_FILTER_H
#define ZR_FS_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Which filesystems exist for a client of a sender.  Entries:
 *
 *	path	exactly this one
 *	path<	this one and everything below it
 *	<	everything
 *
 * each with "!" before it to deny instead of allow.  Names are compared component by
 * component.  An exact entry takes precedence over any subtree, a longer subtree over
 * a shorter one.  A filesystem that matches no entry is denied.
 */
struct fs_filter {
	struct fs_filter_entry {
		char *path;		/* owned; "" for everything */
		size_t length;
		bool subtree;
		bool allow;
	} *entries;
	size_t count;
};

/* Add an entry; -1 if it is invalid, or contradicts another (EXIT_USAGE). */
int	fs_filter_add(struct fs_filter *filter, const char *entry,
	    struct error *error);

/*
 * Add the entries of a file, one per line; blank lines and lines that begin with "#"
 * are skipped.
 */
int	fs_filter_read(struct fs_filter *filter, const char *path,
	    struct error *error);

bool	fs_filter_allows(const struct fs_filter *filter, const char *filesystem);

/* Does any entry allow?  Without one the filter allows nothing. */
bool	fs_filter_can_allow(const struct fs_filter *filter);

/* Does this entry match, whether or not another one takes precedence? */
bool	fs_filter_entry_matches(const struct fs_filter_entry *entry,
	    const char *filesystem);

void	fs_filter_free(struct fs_filter *filter);

#endif
