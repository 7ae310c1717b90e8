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

struct receiver {
	const char *root_fs;
	char root[FS_NAME_MAX + 1];	/* the client's: root_fs, or one below */
	const char *job;		/* NULL: none was given */
	enum placeholder_encryption encryption;
	const char **options;		/* for zfs recv: -o, P=V, -x, P */
	size_t option_count;
	bool unmounted;			/* zfs recv -u */
	bool not_resumable;		/* no zfs recv -s */
};

/*
 * zfs's name for a client's filesystem.  -1 (EXIT_FAILED) where it is none,
 * or the whole is too long.
 */
int	receiver_local(const struct receiver *receiver, const char *filesystem,
	    char local[FS_NAME_MAX + 1], struct error *error);

/*
 * Create what is missing above a filesystem, as placeholders.  Another
 * process may be creating the same ones.
 */
int	receiver_make_parents(const struct receiver *receiver,
	    const char *local, struct error *error);

/*
 * A placeholder that was copied (zfs send -R, or -p) has the property that makes
 * it one as a received property, which does not count.  -1 where the filesystem
 * name, which is no placeholder, is such a copy: there is advice for that error.
 */
int	receiver_check_copied_placeholder(const char *name, struct error *error);

/*
 * ZFS cannot receive an encrypted filesystem over one that is not, nor the
 * other way round.  Such a stream is received beside the placeholder that it
 * is to replace, under its name with this behind it, and then takes its place.
 */
#define RECEIVER_INCOMING_SUFFIX ".zr-incoming"

/* Is it, or is it below, such a filesystem? */
bool	receiver_is_incoming(const char *name);

/*
 * Let incoming, received in full, take the place of the placeholder local,
 * which may be gone already: its children move, it is destroyed, incoming gets
 * its name.  Can be repeated after it was interrupted anywhere.
 */
int	receiver_take_place(const struct receiver *receiver,
	    const char *incoming, const char *local, struct error *error);

/* Take the stream on standard input. */
int	receiver_receive(const struct receiver *receiver,
	    const ReceiveReq *request, struct error *error);

#endif
