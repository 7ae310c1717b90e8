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
 * each with "!" before it to deny instead of to allow.  Names are compared
 * component by component; an exact entry beats any subtree, a longer subtree
 * a shorter one; what nothing matches is denied.
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

/* Add an entry; -1 if it is none, or contradicts another (EXIT_USAGE). */
int	fs_filter_add(struct fs_filter *filter, const char *entry,
	    struct error *error);

/*
 * Add the entries of a file, one a line; blank lines and lines that begin
 * with "#" are passed over.
 */
int	fs_filter_read(struct fs_filter *filter, const char *path,
	    struct error *error);

bool	fs_filter_allows(const struct fs_filter *filter, const char *filesystem);

/* Is there an entry that allows?  Without one the filter allows nothing. */
bool	fs_filter_can_allow(const struct fs_filter *filter);

/* Does this entry match, whether or not another one beats it? */
bool	fs_filter_entry_matches(const struct fs_filter_entry *entry,
	    const char *filesystem);

void	fs_filter_free(struct fs_filter *filter);

#endif
