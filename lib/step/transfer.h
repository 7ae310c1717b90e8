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
 * A side that command_can_wait() is started before its request is known: the receiver
 * together with the sender, and with transfer_prepare() both before there is a step.  One
 * that ends while it waits has not failed: another is started in its place when its
 * request is known, and only that one can fail (transfer_was_stale()).
 *
 * The stream goes from one to the other through the pipe that they share; no byte of it
 * passes through here.  The receiver gets ZR_VERDICT (verdict.h), and both ZR_PROGRESS
 * (progress.h): the remote side knows the progress of the stream.
 */
struct transfer_order {
	const char *sender;		/* command strings */
	const char *receiver;
	const SendReq *request;
	const char *destination;	/* the receiver's Filesystem; NULL: the same */
};

enum transfer_phase {
	TRANSFER_AHEAD,		/* no order yet: the sides that can wait are started */
	TRANSFER_ANSWER,	/* Send runs, its answer line is incomplete */
	TRANSFER_STREAM,	/* Send and Receive run, or one of them */
	TRANSFER_ENDING,	/* failed: both are being ended */
	TRANSFER_FAILED,	/* error is set */
	TRANSFER_DONE
};

/* What has been seen of the receiver's end. */
enum transfer_receiver {
	TRANSFER_RECEIVER_RUNS,		/* nothing, or it does not run yet */
	TRANSFER_RECEIVER_ENDED,
	TRANSFER_RECEIVER_FIRST		/* the sender failed because of it */
};

enum { TRANSFER_SENDER, TRANSFER_RECEIVER, TRANSFER_SIDES };

struct transfer {
	const struct transfer_order *order;	/* borrowed */
	enum transfer_phase phase;
	struct error error;
	enum failure failure;		/* its kind; valid once it is over */
	struct command sides[TRANSFER_SIDES];
	bool prepared[TRANSFER_SIDES];	/* started before there was an order */
	bool replaced;			/* one has ended while it waited */
	bool given_up;			/* by transfer_end() */
	int stream[2];			/* the sender's pipe, until its answer is in */
	struct progress_reader progress[TRANSFER_SIDES];
	int verdict;			/* the receiver's; -1: given, or none will be */
	int64_t end_sender_at;		/* time, after the receiver has failed */
	int64_t asked_at;		/* time of the receiver's request; 0: not yet */
	bool used_resume_token;
	enum transfer_receiver receiver;
};

#define TRANSFER_ENTRIES (TRANSFER_SIDES * (CALL_ENTRIES + 1) + 1)

/* Start Send.  After -1 nothing has to be freed. */
int	transfer_start(struct transfer *transfer,
	    const struct transfer_order *order, struct error *error);

/*
 * The same in two steps.  transfer_prepare() starts the sides that can wait; poll and
 * handle the transfer until there is an order.  Two that have ended cost no more than one
 * that was not prepared.  transfer_waits(): does any of them still run?  If one has ended
 * since the last call, *why says so (its code is EXIT_DONE otherwise).
 */
bool	transfer_can_wait(const char *sender, const char *receiver);
int	transfer_prepare(struct transfer *transfer, const char *sender,
	    const char *receiver, struct error *error);
bool	transfer_waits(struct transfer *transfer, struct error *why);
int	transfer_begin(struct transfer *transfer,
	    const struct transfer_order *order, struct error *error);

/* Did any side of it begin with a prepared connection, and not another one instead? */
bool	transfer_was_prepared(const struct transfer *transfer);

/*
 * It has failed, but perhaps only because its connection had died while it waited, or
 * because others that still wait had the server's last place: once those are closed, the
 * same step may succeed at once.
 */
bool	transfer_was_stale(const struct transfer *transfer, bool others,
	    int64_t now);

/*
 * The bytes of the stream so far, by the receiver's report or else the sender's; false if
 * there is none.
 */
bool	transfer_bytes(const struct transfer *transfer, uint64_t *bytes);

/* The events and the deadline to wait for. */
void	transfer_poll(const struct transfer *transfer,
	    struct pollfd entries[TRANSFER_ENTRIES]);
int64_t	transfer_deadline(const struct transfer *transfer);

/* Go on, without blocking; until the phase is TRANSFER_FAILED or TRANSFER_DONE. */
void	transfer_handle(struct transfer *transfer,
	    const struct pollfd entries[TRANSFER_ENTRIES], int64_t now);

/*
 * End it with the error why, whose kind is failure.  Does nothing if it is already ending
 * or over.
 */
void	transfer_end(struct transfer *transfer, enum failure failure,
	    const struct error *why, int64_t now);

/* As command_free().  Blocks until both have ended. */
void	transfer_free(struct transfer *transfer, char *hints, size_t size);

#endif
