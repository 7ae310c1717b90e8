#ifndef ZR_REPLICATION_H
#define ZR_REPLICATION_H

#include "plan/lister.h"
#include "plan/plan_order.h"
#include "plan/plan_set.h"
#include "replicate/replicate.h"
#include "step/step.h"

/* What the files of this directory share: the state of replicate(). */

/* --- a side --- */

/*
 * An endpoint that is being talked to.  While it is lost, nothing but a Ping is sent
 * to it, after waits that grow.
 */
struct side {
	const char *role;		/* "sender", "receiver" */
	struct session *session;
	struct lister *lister;
	struct listing listing;
	bool lost;
	bool pinging;
	int64_t lost_at;
	int64_t ping_at;
	int64_t wait_ms;		/* the longest wait for the next Ping */
	struct error error;		/* why it was lost */
};

enum { SIDE_SENDER, SIDE_RECEIVER, SIDES };

/* --- a filesystem --- */

enum work_state {
	WORK_READY,		/* its next step is the order's (plan_order.h) */
	WORK_TRANSFER,		/* a step's stream */
	WORK_COMPLETION,	/* and then its SendCompleted */
	WORK_WAITING,		/* until again_at, because something has failed */
	WORK_RELISTING,		/* to be planned anew */
	WORK_OVER
};

enum work_end {
	END_UP_TO_DATE,		/* there was nothing to do */
	END_REPLICATED,
	END_PLACEHOLDER,
	END_FAILED,
	END_INTERRUPTED		/* by a signal to us */
};

struct work {
	struct plan *plan;
	enum work_state state;
	enum work_end end;		/* once it is over */
	size_t step;			/* the one that is under way, or next */
	struct plan_request request;	/* of that step */
	struct step_figures figures;	/* its */
	uint64_t target;		/* CreateTXG of the last snapshot to be sent */
	size_t plans;			/* how often it has been planned anew */
	Listing *relisted[SIDES];	/* owned: the plan points into them, */
	Listing *fresh[SIDES];		/* and the next one will into these */
	bool unlisted;			/* a side was lost while they were listed: */
	int unlisted_by;		/* this one */
	/* since the last progress: */
	size_t failures;
	uint64_t received;		/* of the step's stream, by the resume token */
	bool owes_completion;		/* SendCompleted is to be called again */
	bool was_stale;			/* its step begins again: ahead_distrust() */
	int64_t again_at;
	enum failure failure;
	struct error *error;		/* the last one; owned, NULL: none */
	/* in all: */
	size_t steps_done;
	uint64_t bytes;
	uint64_t *sizes;		/* for each step of the plan, 0: unknown; owned */
};

/* Each fork(2) of a step copies the page tables of all of them. */
_Static_assert(sizeof(struct work) <= 1024, "without texts, which only failures have");

/* A step under way. */
struct slot {
	struct work *work;		/* NULL: free */
	struct transfer transfer;
	struct transfer_order order;
	int64_t began;
	int64_t moved_at;		/* a byte moved last, as far as we know */
	uint64_t moved;
	int64_t told_at;		/* the last event of its progress */
};

/* Both sides of a step that is still to come, as far as they can be started. */
struct ahead {
	struct transfer transfer;
	bool used;
	bool ending;
	int64_t until;			/* then it is ended: the server waits no longer */
};

struct aheads {
	struct ahead *all;
	size_t count;			/* of all, used or not: 0 if none can be started */
	size_t stale;			/* works whose step begins again without */
	int64_t again_at;		/* none before, as one has ended by itself */
	int64_t wait_ms;
};

/* Filesystems are listed anew together. */
struct relisting {
	size_t pending;			/* replies that are still to come */
	struct reply *filesystems;	/* of the receiver; owned */
};

/* A size that has been asked for. */
struct question {
	struct work *work;		/* NULL: free */
	size_t plan;			/* which of its plans: work->plans then */
	size_t step;
};

struct sizes {
	size_t work, step;		/* the next to be asked for */
	size_t pending;
	struct question *questions;	/* options->sizes; owned */
};

struct replication {
	const struct replicate_options *options;
	struct side sides[SIDES];
	struct plan_set set;
	struct plan_order *order;
	struct work *works;		/* one for each plan */
	size_t open;			/* of these, not over */
	struct slot *slots;		/* options->parallel */
	size_t running;
	struct aheads aheads;
	struct relisting relisting;
	struct sizes sizes;
	struct pollfd *entries;		/* of the sessions and the slots */
	struct buffer out;		/* a line that is being written */
	bool events_cut;		/* one was not written completely: none follows */
	bool unmatched;			/* an operand has no filesystem */
	int64_t turned_at;		/* when the last wait ended */
	int64_t began;
	int signal;			/* that told us to end; 0: none */
	struct error fatal;		/* EXIT_DONE: we can go on */
	bool has_table;			/* standard error is a terminal (table.h) */
	int64_t drawn_at;
};

/* --- replicate.c: the loop --- */

/* Wait for something, and go on with it. */
void	replication_turn(struct replication *replication);

/* A child has ended with this: if that was Ctrl-C, wait for our own signal. */
void	replication_await_signal(struct replication *replication, int exit_code);

/* Neither a fatal error nor a signal. */
bool	replication_goes_on(const struct replication *replication);

/* --- replication_plan.c: before the first step --- */

void	replication_list(struct replication *replication);
void	replication_plan(struct replication *replication);

/* --- replication_side.c --- */

/* A call; its reply comes, or replication->fatal is set. */
void	side_call(struct replication *replication, struct side *side,
	    const char *method, const ProtobufCMessage *request,
	    int64_t deadline, void *context);

/* -1 with errno: out of memory. */
int	side_open(struct side *side, const char *role, const char *string);

/* A call on it has failed with FAILURE_TRANSPORT, for this reason. */
void	side_lose(struct side *side, const struct error *why, int64_t now);

/* Call Ping when it is time. */
void	side_tick(struct replication *replication, struct side *side, int64_t now);
void	side_on_ping(struct side *side, const struct reply *reply, int64_t now);
void	side_free(struct side *side);

/* --- replication_work.c: one filesystem --- */

/* Start the next steps, as far as there are slots. */
void	work_start_steps(struct replication *replication, int64_t now);

/* A slot's transfer is over. */
void	work_on_transfer(struct replication *replication, struct slot *slot,
	    int64_t now);
void	work_on_completion(struct replication *replication, struct work *work,
	    struct reply *reply, int64_t now);

/* The sender has to hear that the step arrived, before the next one may begin. */
void	work_complete(struct replication *replication, struct work *work,
	    int64_t now);

/* SendCompleted that is to be called again, where the sender can be reached. */
void	work_complete_again(struct replication *replication, int64_t now);

/*
 * It has been planned anew.  same: it begins with the step that failed; moved: with
 * more of that step's stream received than before.
 */
void	work_on_plan(struct replication *replication, struct work *work,
	    bool same, bool moved);

/* It failed, for this reason: try again, or give it up. */
void	work_fail(struct replication *replication, struct work *work,
	    enum failure failure, const struct error *why, int64_t now);
void	work_give_up(struct replication *replication, struct work *work,
	    const struct error *why);

/* Why its plan has failed, and what to do about it. */
void	work_plan_error(const struct work *work, struct error *error);
void	work_keep_error(struct work *work, const struct error *why);
void	work_end(struct replication *replication, struct work *work,
	    enum work_end end);
void	work_free(struct work *work);

/* --- replication_ahead.c: connections for the steps to come --- */

/* A step takes this many of the entries of poll(2), as a slot does. */
size_t	ahead_limit(const struct replicate_options *options);

/* Steps have begun: open connections for those that follow. */
void	ahead_start(struct replication *replication, int64_t now);

/* Hand one over to a step, which transfer_begin() begins; false if none is open. */
bool	ahead_take(struct replication *replication, struct transfer *transfer);

void	ahead_poll(const struct replication *replication, struct pollfd *entries);
int64_t	ahead_deadline(const struct replication *replication);
void	ahead_handle(struct replication *replication,
	    const struct pollfd *entries, int64_t now);

/*
 * The work's step has failed because its connection had died while it waited, or others
 * had the server's last place: close all that wait, and open none until the step has been
 * tried without.
 */
void	ahead_distrust(struct replication *replication, struct work *work,
	    int64_t now);
void	ahead_trust(struct replication *replication, struct work *work);

/* No step will come.  Is any of them left? */
void	ahead_end(struct replication *replication, int64_t now);
bool	ahead_left(const struct replication *replication);

/* --- replication_relisting.c --- */

/* Begin to list what waits for it, where it is time and both sides can be reached. */
void	relisting_start(struct replication *replication, int64_t now);
void	relisting_take(struct replication *replication, struct side *side,
	    struct reply *reply, int64_t now);

/* --- replication_sizes.c: estimates, where somebody will look at them --- */

void	sizes_ask(struct replication *replication, int64_t now);
void	sizes_take(struct replication *replication, struct reply *reply);

/* Of all steps that are planned; *unknown: of some it is not known. */
uint64_t sizes_total(const struct replication *replication, bool *unknown);

/* --- replication_table.c: what is under way, on the terminal (table.h) --- */

void	replication_draw(const struct replication *replication, int64_t now);

/* --- replication_report.c: what is said, on standard output, standard error and as events --- */

void	report_plan(struct replication *replication, const struct work *work);
void	report_step(struct replication *replication, const struct work *work);
void	report_retry(struct replication *replication, const struct work *work,
	    int64_t now);
void	report_filesystem(struct replication *replication,
	    const struct work *work);
void	report_lines(struct replication *replication);	/* SIGUSR1 */
void	report_end(struct replication *replication, int code);

#endif
