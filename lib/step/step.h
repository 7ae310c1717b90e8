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

#define STEP_ENTRIES TRANSFER_ENTRIES	/* that step_poll() fills in */

struct step_result {
	struct error error;	/* code EXIT_DONE: the step is done */
	bool used_resume_token;
	bool bytes_known;	/* did the receiver say (ZR_PROGRESS)? */
	uint64_t bytes;		/* of the stream; good while it runs, too */
	int64_t elapsed_ms;
	char hints[4096];	/* what to do about the error: lines */
};

/* Append what is printed of a step that is done: an object in a line; -1 with errno. */
#define STEP_LINE_MAX ((size_t)1 << 20)	/* bytes */

int	step_line(struct buffer *out, const SendReq *request,
	    const struct step_result *result);

/* order is borrowed until step_free().  NULL: *error says why. */
struct step *step_start(const struct transfer_order *order, int64_t now,
	    struct error *error);

/* What to wait for, and until when at most. */
void	step_poll(const struct step *step, struct pollfd entries[STEP_ENTRIES]);
int64_t	step_deadline(const struct step *step);

/* After every wait: go on, without blocking. */
void	step_handle(struct step *step,
	    const struct pollfd entries[STEP_ENTRIES], int64_t now);

/*
 * End the commands that run, SIGTERM first and SIGKILL later; the step is over
 * once they have ended.  Its error is why, unless it has failed already.
 */
void	step_end(struct step *step, const struct error *why, int64_t now);

/* No command of it is left. */
bool	step_over(const struct step *step);

/*
 * Good until step_free().  EXIT_FAILED and the reason where a command fails: the
 * sender's first when both do, but the receiver's when the sender failed because
 * of it.  EXIT_PROTOCOL where an answer is not what the interface asks for.
 */
const struct step_result *step_result(const struct step *step);

/* NULL does nothing.  Blocks until the commands have ended, where they have not. */
void	step_free(struct step *step);

#endif
