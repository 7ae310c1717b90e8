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
 * The sending side of a replication step (zr-protocol(7), The sender): what
 * a request may have sent, and the holds and bookmarks that keep it possible.
 */
#define SENDER_FLAGS_MAX 8

struct sender {
	struct fs_filter filter;
	atomic_bool *named;		/* by filter entry: that it matches nothing */
					/* has been said; shared by all calls of a batch */
	const char *job;		/* NULL: none was given */
	bool encrypted;			/* only encrypted ones, raw */
	bool raw;
	const char *flags[SENDER_FLAGS_MAX];	/* for zfs send, besides -w */
	size_t flag_count;
};

/* Was a job given?  -1 (EXIT_USAGE) if not. */
int	sender_check_job(const struct sender *sender, struct error *error);

/*
 * Is it this job's cursor of that kind?  Its own guid must be the one in its
 * name.
 */
bool	sender_is_cursor(const struct zfs_object *object, const char *job,
	    enum zrepl_cursor kind);

/* Destroy it; what goes wrong is said on standard error. */
void	sender_destroy_bookmark(const char *bookmark);

/* A SendReq, checked against what there is. */
struct sender_step {
	const SendReq *request;
	struct zfs_list list;		/* the filesystem and all its versions */
	const struct zfs_object *from;	/* NULL: in full; in list */
	const struct zfs_object *to;
	ReplicationGuaranteeKind guarantee;	/* the one that applies */
	bool raw;
};

/* The guarantee that applies to a request: by whether it has a From. */
ReplicationGuaranteeKind sender_guarantee(const SendReq *request);

/* May the client know of this filesystem? */
int	sender_check_filesystem(const struct sender *sender,
	    const char *filesystem, struct error *error);

/* May it be asked for at all; nothing is looked up. */
int	sender_check_request(const struct sender *sender,
	    const SendReq *request, struct error *error);

/*
 * From and To exist with the guids that the request gives, and its guarantees
 * are valid.  One zfs process.  sender_step_free() also after an error.
 */
int	sender_step_open(struct sender_step *step, const struct sender *sender,
	    const SendReq *request, struct error *error);
void	sender_step_free(struct sender_step *step);

/*
 * The same for a step that is to be sent, which the encryption policy must allow
 * and whose cursor's name must be of a length that ZFS allows.  The resume token,
 * which may be forged, must say just what the request says; the error for one
 * that nobody can use says what ends that.
 */
int	sender_step_begin(struct sender_step *step, const struct sender *sender,
	    const SendReq *request, struct error *error);

/* What "zfs send -n" expects, in bytes; 0 where that cannot be told. */
int	sender_step_size(const struct sender_step *step,
	    const struct sender *sender, uint64_t *size, struct error *error);

/*
 * Before the stream: take the guarantee's holds or tentative cursors, remove
 * what this job's earlier steps left.  Where the guarantee ends with a cursor
 * and the job has none here yet, a tentative one of To is made in any case: a
 * pool without bookmarks, or a user who may not make them, is an error before
 * the stream and not after it.
 */
int	sender_step_prepare(const struct sender_step *step,
	    const struct sender *sender, struct error *error);

/* The stream to standard output, to its end. */
int	sender_step_send(const struct sender_step *step,
	    const struct sender *sender, struct error *error);

/*
 * The receiver has it: move the cursor to To, remove this job's holds and
 * older cursors.  Only a cursor that cannot be made is an error: the holds go
 * even then, the older cursors stay.  Clean-up that fails is said on standard
 * error.
 */
int	sender_step_complete(const struct sender_step *step,
	    const struct sender *sender, struct error *error);

#endif
