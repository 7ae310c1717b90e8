#ifndef ZR_ZFS_ADVICE_H
#define ZR_ZFS_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What to do about an error that people meet every day, from the words of a
 * zfs command that failed.  The words may be anything; they are only searched,
 * nothing of them gets into the advice but the name of a property.
 */
#define ZFS_ADVICE_SIZE	1024	/* bytes that are always enough */

/* What ends a resume token that nobody can use. */
#define ZFS_ADVICE_GIVE_UP						\
	"to start this step anew, send without the token, or on the receiver "	\
	"give up what it has in part (\"zfs receive -A\")"

/* In an error of our own: a placeholder that is one only where it came from. */
#define ZFS_ADVICE_COPIED "was received, and only a property set here counts"

struct zfs_failure {
	const char *command;	/* its first argument: "receive", "send", */
				/* "hold", ..., or NULL */
	const char *dataset;	/* filesystem, snapshot or bookmark that it was */
				/* about, or NULL */
	const char *user;	/* who runs zfs, for "zfs allow"; NULL: whoever */
				/* we are */
	const char *words;	/* what it wrote on standard error */
	size_t length;		/* of words, bytes */
};

/*
 * One line without newline into line; false where there is nothing to say
 * (line is empty then).  Names that are no ZFS names are not repeated.
 */
bool	zfs_advice(char line[ZFS_ADVICE_SIZE], const struct zfs_failure *failure);

/*
 * The permissions of "zfs allow" that a command needs, as a list with commas;
 * NULL where that is not known.
 */
const char *zfs_advice_permissions(const char *command);

#endif
