#ifndef ZR_ZFS_ADVICE_H
#define ZR_ZFS_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Advice about everyday errors, from the words of a failed zfs command.  The words may
 * be any text: they are only searched, and only the name of a property is copied from
 * them.
 */
#define ZFS_ADVICE_SIZE	ERROR_HINT_SIZE	/* bytes that are always enough */

/* How to get rid of a useless resume token. */
#define ZFS_ADVICE_GIVE_UP						\
	"to start this step anew, send without the token, or on the receiver "	\
	"give up what it has in part (\"zfs receive -A\"; in an archive, remove "	\
	"the filesystem's @receiving file)"

/* In an error of our own: a copied placeholder, whose property does not count. */
#define ZFS_ADVICE_COPIED "was received, and only a property set here counts"

struct zfs_failure {
	const char *command;	/* its first argument: "receive", "send", */
				/* "hold", ..., or NULL */
	const char *dataset;	/* its filesystem, snapshot or bookmark, or NULL */
	const char *user;	/* the user that runs zfs, for "zfs allow"; NULL: */
				/* our own */
	const char *words;	/* its standard error */
	size_t length;		/* of words, bytes */
	bool elsewhere;		/* on another host, which need not have our programs */
};

/*
 * Write one line without newline to line; false, and line is empty, if there is no
 * advice.  Names that are not valid in ZFS are not repeated.
 */
bool	zfs_advice(char line[ZFS_ADVICE_SIZE], const struct zfs_failure *failure);

#endif
