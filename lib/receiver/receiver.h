#ifndef ZR_RECEIVER_H
#define ZR_RECEIVER_H

#include <stdbool.h>

#include "base/error.h"
#include "format/fs_name.h"
#include "zrepl.pb-c.h"

/*
 * The receiving side of a replication step (zr-protocol(7), The receiver):
 * streams into filesystems below a root that the client cannot leave.
 */
enum placeholder_encryption {
	PLACEHOLDER_UNSPECIFIED,	/* inherit for the client's own root, */
					/* an error below it */
	PLACEHOLDER_INHERIT,
	PLACEHOLDER_OFF
};

struct zfs_list;

struct receiver {
	const char *root_fs;
	char root[FS_NAME_MAX + 1];	/* the client's: root_fs, or below it */
	const char *job;		/* NULL: none was given */
	enum placeholder_encryption encryption;
	const char **options;		/* for zfs recv: -o, P=V, -x, P */
	size_t option_count;
	bool unmounted;			/* zfs recv -u */
	bool not_resumable;		/* no zfs recv -s */
};

/*
 * zfs's name for a client's filesystem.  -1 (EXIT_FAILED) if the client's name is
 * invalid, or the whole is too long.
 */
int	receiver_local_name(const struct receiver *receiver, const char *filesystem,
	    char local[FS_NAME_MAX + 1], struct error *error);

/*
 * Create the missing filesystems above a filesystem, as placeholders.  Another process
 * may be creating the same ones.
 */
int	receiver_make_parents(const struct receiver *receiver,
	    const char *local, struct error *error);

/*
 * A copied placeholder (zfs send -R, or -p) has its property only as a received one,
 * which does not count.  -1 if name, a filesystem that is no placeholder, is such a
 * copy: zfs_advice.h has advice for that error.
 */
int	receiver_check_copied_placeholder(const char *name, struct error *error);

/* A placeholder should have no snapshots: destroy those that somebody has made. */
int	receiver_empty_placeholder(const struct zfs_list *list, struct error *error);

/*
 * ZFS cannot receive an encrypted filesystem over an unencrypted one, nor the other way
 * round.  Such a stream is received beside the placeholder that it is to replace, under
 * the placeholder's name with this suffix, and then takes its place.
 */
#define RECEIVER_INCOMING_SUFFIX ".zr-incoming"

/* Is this such a filesystem, or below one? */
bool	receiver_is_incoming(const char *name);

/*
 * Let incoming, completely received, take the place of the placeholder local, which may
 * already be gone: local's children move, local is destroyed, incoming gets its name.
 * Can be repeated after an interruption at any point.
 */
int	receiver_take_place(const struct receiver *receiver,
	    const char *incoming, const char *local, struct error *error);

/* Receive the stream on standard input. */
int	receiver_receive(const struct receiver *receiver,
	    const ReceiveReq *request, struct error *error);

#endif
