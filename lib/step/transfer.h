#ifndef ZR_TRANSFER_H
#define ZR_TRANSFER_H

#include "endpoint/progress.h"
#include "step/command.h"
#include "step/failure.h"
#include "zrepl.pb-c.h"

/*
 * The stream of one step from one endpoint to another, each given as a command
 * string (command.h):
 *
 *	Send on the sender -> its answer
 *	Receive on the receiver, the rest of the sender's pipe its standard
 *	    input, with ClearResumeToken = not UsedResumeToken
 *	both waited for
 *
 * The stream goes from one to the other through the pipe that they share; no byte
 * of it passes through here.  The receiver gets ZR_VERDICT (verdict.h), and both
 * ZR_PROGRESS (progress.h): the side that is remote knows how far the stream has come.
 */
struct transfer_order {
	const char *sender;		/* command strings */
	const char *receiver;
	const SendReq *request;
	const char *destination;	/* the receiver's Filesystem; NULL: the same */
};

enum transfer_phase {
	TRANSFER_ANSWER,	/* Send runs, its answer line is not in yet */
	TRANSFER_STREAM,	/* Send and Receive run, or one of them still does */
	TRANSFER_ENDING,	/* it has failed: both are being ended */
	TRANSFER_FAILED,	/* error says why */
	TRANSFER_DONE
};

enum { TRANSFER_SENDER, TRANSFER_RECEIVER, TRANSFER_SIDES };

struct transfer {
	const struct transfer_order *order;	/* borrowed */
	enum transfer_phase phase;
	struct error error;
	enum failure failure;		/* of what kind; good once it is over */
	struct command sides[TRANSFER_SIDES];
	struct progress_reader progress[TRANSFER_SIDES];
	int verdict;			/* the receiver's; -1: given, or not to be */
	int64_t end_sender_at;		/* its receiver has failed */
	bool used_resume_token;
	bool receiver_ended;		/* and that has been acted on */
	bool receiver_first;		/* the sender failed because of it */
};

#define TRANSFER_ENTRIES (TRANSFER_SIDES * (CALL_ENTRIES + 1) + 1)

/* Start Send.  Nothing is left to be freed after -1. */
int	transfer_start(struct transfer *transfer,
	    const struct transfer_order *order, struct error *error);

/* Bytes of the stream so far, as the receiver or else the sender says; false: neither. */
bool	transfer_bytes(const struct transfer *transfer, uint64_t *bytes);

/* What to wait for, and until when. */
void	transfer_poll(const struct transfer *transfer,
	    struct pollfd entries[TRANSFER_ENTRIES]);
int64_t	transfer_deadline(const struct transfer *transfer);

/* Go on, without blocking; until the phase is TRANSFER_FAILED or TRANSFER_DONE. */
void	transfer_handle(struct transfer *transfer,
	    const struct pollfd entries[TRANSFER_ENTRIES], int64_t now);

/*
 * End it; the error is why, and failure its kind.  Does nothing where it is ending or
 * over already.
 */
void	transfer_end(struct transfer *transfer, enum failure failure,
	    const struct error *why, int64_t now);

/* As command_free().  Blocks until both have ended, where it is not over. */
void	transfer_free(struct transfer *transfer, char *hints, size_t size);

#endif
