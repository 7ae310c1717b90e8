#ifndef ZR_DECISION_H
#define ZR_DECISION_H

#include "base/buffer.h"
#include "plan/listing.h"
#include "retention/retention.h"

/*
 * Which snapshots of one filesystem go, and the lines printed about them (zr-prune(1)).
 * Pure.
 */
struct judgement {
	struct rules rules;
	const char *job;		/* whose cursor not_replicated asks for; or NULL */
	bool floor;			/* retention_apply_floor(), with this time: */
	int64_t now;			/* seconds since the epoch */
};

struct decision {
	const Listing *filesystem;	/* borrowed, sorted */
	struct retained *retained;	/* owned: one for each snapshot, in the order */
	FilesystemVersion **snapshots;	/* of the listing; the array is owned */
	size_t count;
	size_t going;			/* of these, kept by no rule */
	bool has_cursor;
};

/*
 * sender: where the cursors are.  -1: as retention_apply(); nothing is to be freed.
 */
int	decision_make(struct decision *decision, const struct judgement *judgement,
	    const Listing *filesystem, const Listing *sender, struct error *error);

/*
 * The reason to ask a person first, as the end of a line about the filesystem: the rules
 * keep nothing, or the youngest snapshot is dated more than an hour after now.  NULL: no
 * reason, or nothing to destroy.
 */
#define DECISION_TEXT_SIZE 512

const char *decision_objection(const struct decision *decision,
	    const struct judgement *judgement, char text[DECISION_TEXT_SIZE]);

bool	decision_goes(const struct decision *decision, size_t snapshot);

/* What has become of a snapshot. */
enum fate {
	FATE_DECIDED,			/* nothing is said about it */
	FATE_DESTROYED,
	FATE_NOT_DESTROYED		/* a reason says why */
};

/*
 * Append a line about a snapshot.  Text is its name, with verbose also what keeps it.
 * -1 (EXIT_SYSTEM): there is no room.
 */
struct decision_style {
	bool json;
	bool verbose;
};

int	decision_print(struct buffer *out, const struct decision *decision,
	    size_t snapshot, const struct judgement *judgement,
	    struct decision_style style, enum fate fate, const char *reason,
	    struct error *error);

void	decision_free(struct decision *decision);

#endif
