#ifndef ZR_STEP_H
#define ZR_STEP_H

#include "base/buffer.h"
#include "step/transfer.h"

/*
 * One replication step between two endpoints (zr-protocol(7), The plan, rule 5):
 * the transfer (transfer.h), then SendCompleted on the sender.  Several can run in
 * one poll loop:
 *
 *	step = step_start(...);
 *	while (!step_over(step)) {
 *		step_poll(step, entries);
 *		io_poll(entries, ..., step_deadline(step));
 *		step_handle(step, entries, io_now());
 *	}
 *
 * SIGCHLD must be caught (signals.h) and SIGPIPE ignored.
 */
struct step;

#define STEP_ENTRIES TRANSFER_ENTRIES	/* entries that step_poll() fills in */

#define STEP_HINTS_MAX 4096	/* bytes */

struct step_figures {
	bool used_resume_token;
	bool bytes_known;	/* has a side reported them (ZR_PROGRESS)? */
	uint64_t bytes;		/* of the stream so far */
	int64_t elapsed_ms;
};

struct step_result {
	struct error error;	/* code EXIT_DONE: the step is done */
	struct step_figures figures;
	char hints[STEP_HINTS_MAX];	/* hints about the error: lines */
};

/* Append the line that is printed for a completed step, a JSON object; -1 with errno. */
#define STEP_LINE_MAX ((size_t)1 << 20)	/* bytes */

int	step_line(struct buffer *out, const SendReq *request,
	    const struct step_figures *figures);

/* order is borrowed until step_free().  NULL: *error says why. */
struct step *step_start(const struct transfer_order *order, int64_t now,
	    struct error *error);

/* The events and the deadline to wait for. */
void	step_poll(const struct step *step, struct pollfd entries[STEP_ENTRIES]);
int64_t	step_deadline(const struct step *step);

/* Call after every wait: go on, without blocking. */
void	step_handle(struct step *step,
	    const struct pollfd entries[STEP_ENTRIES], int64_t now);

/*
 * End the running commands, with SIGTERM and later SIGKILL; the step is over once they
 * have ended.  why becomes its error, unless it has already failed.
 */
void	step_end(struct step *step, const struct error *why, int64_t now);

/* Have all its commands ended? */
bool	step_over(const struct step *step);

/*
 * Valid until step_free().  If a command failed, EXIT_FAILED and the reason: the sender's
 * first if both failed, but the receiver's if the sender failed because of it.
 * EXIT_PROTOCOL if an answer violates the interface.
 */
const struct step_result *step_result(const struct step *step);

/* NULL does nothing.  Blocks until the commands have ended. */
void	step_free(struct step *step);

#endif
