#ifndef ZR_PRUNING_H
#define ZR_PRUNING_H

#include <sys/queue.h>

#include "plan/lister.h"
#include "prune/prune.h"
#include "prune/reasons.h"
#include "step/session.h"

/* What the files of this directory share: the state of prune(). */

/* A filesystem of which snapshots are being destroyed, the oldest first. */
struct target {
	TAILQ_ENTRY(target) entries;
	Listing *filesystem;		/* owned */
	struct decision decision;
	size_t next;			/* of decision.snapshots: not asked for yet */
	size_t *asked;			/* of them, in the call under way; owned */
	size_t asked_count;
	bool calling;
	size_t in_use;
	struct reasons reasons;		/* why others were not destroyed */
};

TAILQ_HEAD(targets, target);

struct counts {
	size_t filesystems;		/* that were decided */
	size_t left_alone;		/* for decision_objection() */
	size_t elsewhere;		/* that the sender does not have */
	size_t kept, going;		/* snapshots */
	size_t destroyed, in_use, failed;
};

struct pruning {
	const struct prune_options *options;
	struct session *endpoint, *sender;	/* sender: NULL without -s */
	struct lister *lister, *sender_lister;
	struct listing sender_listing;
	bool sender_known;		/* its whole listing; true without -s */
	struct targets targets;
	size_t target_count;
	size_t calls;			/* DestroySnapshots without a reply */
	struct counts counts;
	bool listed;			/* a filesystem at least */
	bool cursor_seen;		/* in any filesystem */
	char hint[ERROR_HINT_SIZE];	/* the endpoint's last one */
	char shown[ERROR_HINT_SIZE];	/* the last that was shown */
	struct buffer out;		/* to be written to standard output */
	bool failed;
	int signal;			/* that told us to end; 0: none */
	struct error fatal;		/* EXIT_DONE: we can go on */
};

/* --- prune_filesystem.c --- */

/* Decide, show, and make a target of it if need be.  entry is taken over. */
void	pruning_consider(struct pruning *pruning, Listing *entry);

/* Print what became of a snapshot, or what was decided. */
void	pruning_print(struct pruning *pruning, const struct decision *decision,
	    size_t snapshot, enum fate fate, const char *reason);

/* --- prune_destroy.c --- */

/* Begin the next calls, as far as they may run at once. */
void	pruning_call(struct pruning *pruning, int64_t now);

/* The reply to one. */
void	pruning_take_destroyed(struct pruning *pruning, struct reply *reply);

void	target_free(struct target *target);

#endif
