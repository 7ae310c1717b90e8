#ifndef ZR_VERIFICATION_H
#define ZR_VERIFICATION_H

#include "plan/lister.h"
#include "step/session.h"
#include "verify/comparison.h"
#include "verify/verify.h"

/* What the files of this directory share: the state of verify(). */

enum { SENDER = COMPARISON_SENDER, RECEIVER = COMPARISON_RECEIVER,
	SIDES = COMPARISON_SIDES };

/* A snapshot that both sides have, each under its own name. */
struct pair {
	const FilesystemVersion *versions[SIDES];
};

enum check_state {
	CHECK_READY,		/* at again_at, if that is not 0 */
	CHECK_RUNNING,
	CHECK_OVER
};

/* How a comparison ended; many are kept until it is their turn to be printed. */
struct finding {
	char *why;		/* it could not be compared; NULL: it was */
	char *hint;		/* what to do; NULL: nothing is known */
	bool same;
	struct stream_sum sums[SIDES];
	uint64_t bytes;		/* of the sender's stream */
	struct difference *named;	/* COMPARISON_NAMED at most; NULL: none */
	uint64_t differences;
};

/* One snapshot of a filesystem, to be compared. */
struct check {
	struct pair pair;
	enum check_state state;
	size_t attempts;	/* that have failed */
	int64_t again_at;
	struct finding *finding;	/* owned; NULL: it is not over */
};

/* A question whether a side can send a snapshot in full (SendDry). */
struct question {
	struct subject *subject;
	struct reply *reply;	/* owned; NULL: not yet */
};

enum subject_state {
	SUBJECT_NEW,
	SUBJECT_CHOOSING,	/* which snapshots */
	SUBJECT_CHOSEN		/* there will be no more checks */
};

/* A filesystem of the sender. */
struct subject {
	const Listing *listings[SIDES];	/* the receiver's: NULL if it has none */
	char *destination;		/* its name there; owned */
	enum subject_state state;
	bool searched;			/* its newest snapshots are asked for, and not */
					/* only those that were named */
	struct pair *pairs;		/* common snapshots, the newest first; owned */
	size_t pair_count, next;
	size_t chosen;			/* of these */
	struct finding *skipped;	/* why the newest was not; owned; or NULL */
	struct question questions[SIDES];
	bool asking;
	size_t attempts;		/* of the question that have failed */
	int64_t again_at;
	struct check *checks;		/* owned, with room for all; or NULL */
	size_t count;
	struct finding *failure;	/* beside its checks; owned; or NULL */
};

struct slot {
	struct subject *subject;	/* NULL: free */
	struct check *check;
	struct comparison comparison;
	int64_t told_at;
};

struct counts {
	size_t same, differ, failed;
	uint64_t bytes;			/* of the sender's streams */
};

struct verification {
	const struct verify_options *options;
	struct session *sessions[SIDES];
	struct lister *listers[SIDES];
	struct listing listings[SIDES];
	struct subject *subjects;	/* in the order of their names */
	size_t count;
	size_t begun;			/* of these; the others are SUBJECT_NEW */
	size_t shown;			/* of these; the others have more to print */
	struct slot *slots;
	struct pollfd *entries;
	struct counts counts;
	int64_t began;
	struct buffer out;		/* to be written to standard output */
	bool unmatched;			/* an operand */
	int signal;			/* that told us to end; 0: none */
	struct error fatal;		/* EXIT_DONE: we can go on */
};

/* --- verify.c --- */

bool	verification_goes_on(const struct verification *verification);

/* One turn of the poll loop; wake_at: a time to wake up at, beside its own. */
void	verification_turn(struct verification *verification, int64_t wake_at);

/* If a child has ended by SIGINT, wait a moment for our own. */
void	verification_await_signal(struct verification *verification,
	    const struct error *why);

/* --- verification_finding.c --- */

/* NULL: out of memory, which is then verification->fatal. */
struct finding *finding_failed(struct verification *verification,
	    const struct error *why);
struct finding *finding_compared(struct verification *verification,
	    const struct comparison *comparison);
void	finding_free(struct finding *finding);

/* --- verification_list.c --- */

/* List both sides, and make the subjects of the listings. */
void	verification_list(struct verification *verification);

/* Free what the subject owns. */
void	subject_free(struct subject *subject);

/* It could not be compared; the first reason stays. */
void	subject_fail(struct verification *verification, struct subject *subject,
	    const struct error *why);

/* --- verification_choose.c --- */

/* Begin with the next subjects, and go on with those that are being chosen from. */
void	choose(struct verification *verification, int64_t now);

/* A reply to a question, which is taken over. */
void	choose_take(struct verification *verification, struct reply *reply, int64_t now);

/* When there is something to be asked again; IO_FOREVER: nothing. */
int64_t	choose_deadline(const struct verification *verification);

/* --- verification_checks.c --- */

/* Start what is ready, as far as it may run at once. */
void	checks_start(struct verification *verification, int64_t now);

/* When something is ready that can be started; IO_FOREVER: it is not known. */
int64_t	checks_wake_at(const struct verification *verification);

/* For the poll loop: returns the number of entries, which does not change. */
size_t	checks_poll(const struct verification *verification, struct pollfd *entries);
int64_t	checks_deadline(const struct verification *verification);
void	checks_handle(struct verification *verification,
	    const struct pollfd *entries, int64_t now);

/* End them all; they are over when none is running any more. */
void	checks_end(struct verification *verification, int64_t now);
size_t	checks_running(const struct verification *verification);

/* Print how far each has come. */
void	checks_tell(const struct verification *verification);

/* --- verification_show.c --- */

/* Print the subjects whose turn it is and that are over. */
void	show_subjects(struct verification *verification);

/* On standard error. */
void	show_retry(const struct verification *verification,
	    const struct subject *subject, const struct check *check,
	    const struct error *why, int64_t wait_ms);
void	show_skipped(const struct verification *verification,
	    const struct subject *subject, const struct error *why);
void	show_progress(const struct slot *slot);
void	show_end(const struct verification *verification, int code);

#endif
