#ifndef ZR_SENDER_H
#define ZR_SENDER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "format/fs_filter.h"
#include "format/zrepl_name.h"
#include "zfs/zfs_object.h"
#include "zrepl.pb-c.h"

/*
 * The sending side of a replication step (zr-protocol(7), The sender): the rules for
 * a request, and the holds and bookmarks that keep a step repeatable.
 */
#define SENDER_FLAGS_MAX 8

struct sender {
	struct fs_filter filter;
	atomic_bool *named;		/* for each entry: was it reported to match */
					/* nothing?  shared by a batch's calls */
	const char *job;		/* NULL: none was given */
	bool encrypted;			/* -E: only encrypted filesystems, raw */
	bool raw;			/* -w: only others, raw; both: all, encrypted */
					/* ones raw */
	const char *flags[SENDER_FLAGS_MAX];	/* for zfs send, besides -w */
	size_t flag_count;
};

/* Log it if streams with these options may lose data (zr-endpoint(1), The sender). */
void	sender_warn(const struct sender *sender);

/* Was a job given?  -1 (EXIT_USAGE) if not. */
int	sender_check_job(const struct sender *sender, struct error *error);

/*
 * Is this the job's cursor of that kind?  Its own guid must be the one in its name.
 */
bool	sender_is_cursor(const struct zfs_object *object, const char *job,
	    enum zrepl_cursor kind);

/* A SendReq, checked against the existing snapshots. */
struct sender_step {
	const SendReq *request;
	struct zfs_list list;		/* the filesystem and all its versions */
	const struct zfs_object *from;	/* in list; NULL: a full stream */
	const struct zfs_object *to;
	ReplicationGuaranteeKind guarantee;	/* the one that applies */
	bool raw;
	bool resumes_embedded;		/* its resume token is of a stream of zfs send -e */
};

/* Does this filesystem exist for the client? */
int	sender_check_filesystem(const struct sender *sender,
	    const char *filesystem, struct error *error);

/*
 * Check that From and To exist with the guids of the request, and that its guarantees
 * are valid.  One zfs process.  Call sender_step_free() also after an error.
 */
int	sender_step_open(struct sender_step *step, const struct sender *sender,
	    const SendReq *request, struct error *error);
void	sender_step_free(struct sender_step *step);

/*
 * The same for a step that is to be sent: the encryption policy must allow it, and ZFS
 * the length of its cursor's name.  The resume token, which may be forged, must agree
 * exactly with the request; the error for a useless token says how to get rid of it.
 */
int	sender_step_begin(struct sender_step *step, const struct sender *sender,
	    const SendReq *request, struct error *error);

/* The estimate of "zfs send -n" in bytes; 0 if it is unknown. */
int	sender_step_size(const struct sender_step *step,
	    const struct sender *sender, uint64_t *size, struct error *error);

/*
 * Before the stream: take the guarantee's holds or tentative cursors, and remove the
 * leftovers of this job's earlier steps.  If the guarantee ends with a cursor and the
 * job has none here yet, make a tentative one of To in any case: a pool without
 * bookmarks, or a user who may not make them, is then an error before the stream and
 * not after it.
 */
int	sender_step_prepare(const struct sender_step *step,
	    const struct sender *sender, struct error *error);

/*
 * Write the stream to standard output, to its end, after sender_warn() if it is a full one
 * to which that applies.
 */
int	sender_step_send(const struct sender_step *step,
	    const struct sender *sender, struct error *error);

/*
 * The receiver has the snapshot: move the cursor to To, remove this job's holds and
 * older cursors.  Only a failure to make the cursor is an error; the holds are released
 * even then, the older cursors are kept.  Failures to clean up are only printed on
 * standard error.
 */
int	sender_step_complete(const struct sender_step *step,
	    const struct sender *sender, struct error *error);

#endif
