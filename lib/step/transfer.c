#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "endpoint/verdict.h"
#include "message/pbjson.h"
#include "step/transfer_private.h"

/* The time for a sender to notice by itself that its receiver is gone. */
#define SENDER_GRACE_MS 5000

/* After its request, a dead connection is noticed in this time (zr-dataconn(1)). */
#define STALE_MS 15000

enum { SENDER = TRANSFER_SENDER, RECEIVER = TRANSFER_RECEIVER,
	SIDES = TRANSFER_SIDES };

/* The error is set: end the running commands. */
static void
fail(struct transfer *transfer, enum failure failure, int64_t now)
{
	transfer->phase = TRANSFER_ENDING;
	transfer->failure = failure;
	for (int i = 0; i < SIDES; i++)
		if (command_runs(&transfer->sides[i]))
			endpoint_end(&transfer->sides[i].call.endpoint, now);
}

/* The kind of the failure, if this side has caused it. */
static enum failure
failure_of_side(const struct command *side)
{
	return (failure_of(side->call.endpoint.exit_code, NULL,
	    command_reason(side)));
}

/* The sender's answer line is in: check it and go on to the receiver. */
static void
on_answer(struct transfer *transfer, int64_t now)
{
	ProtobufCMessage *answer;

	answer = command_answer(&transfer->sides[SENDER], &transfer->error);
	if (answer != NULL)
		transfer->used_resume_token = ((SendRes *)answer)->usedresumetoken;
	if (answer == NULL || transfer_ask_receiver(transfer, now) == -1)
		fail(transfer, FAILURE_OTHER, now);
	else
		transfer->phase = TRANSFER_STREAM;
	pbjson_free(answer);
}

/* True if no process can write to the pipe: the sender is ending, or has ended. */
static bool
is_closed_by_sender(int stream)
{
	return (stream == -1 || (io_ready(stream, 0) & POLLHUP) != 0);
}

/*
 * The receiver has ended; the sender may have ended, too, without our noticing.  We still
 * hold the pipe: as long as the sender has it open it has not noticed anything, so a
 * receiver that failed did so first.  If the receiver succeeded before the end of the
 * stream, the rest is read and dropped.
 */
static void
on_receiver_ended(struct transfer *transfer, int64_t now)
{
	struct command *sender = &transfer->sides[SENDER];
	int *stream = &sender->call.endpoint.process.output;

	transfer->receiver = TRANSFER_RECEIVER_ENDED;
	if (command_succeeded(&transfer->sides[RECEIVER])) {
		if (*stream != -1)
			io_set_nonblocking(*stream, true);
	} else if (command_runs(sender)) {
		if (!is_closed_by_sender(*stream))
			transfer->receiver = TRANSFER_RECEIVER_FIRST;
		io_close(stream);
		transfer->end_sender_at = now + SENDER_GRACE_MS;
	}
}

static void
drain_stream(int *stream)
{
	char buffer[65536];
	ssize_t got;

	got = io_read(*stream, buffer, sizeof(buffer));
	if (got == 0 || (got == -1 && errno != EAGAIN))
		io_close(stream);
}

/* Both have ended, and at least one has failed: decide which is to blame. */
static void
blame(struct transfer *transfer)
{
	struct command *sender = &transfer->sides[SENDER];
	struct command *receiver = &transfer->sides[RECEIVER];
	const bool sender_failed = !command_succeeded(sender);
	const bool receiver_failed = receiver->call.endpoint.ended &&
	    !command_succeeded(receiver);
	char reason[480];

	if (receiver_failed && (transfer->receiver == TRANSFER_RECEIVER_FIRST ||
	    !sender_failed)) {
		transfer->failure = failure_of_side(receiver);
		error_set(&transfer->error, EXIT_FAILED, "receiver: %s",
		    command_last_line(receiver));
		return;
	}
	transfer->failure = failure_of_side(sender);
	strlcpy(reason, command_last_line(sender), sizeof(reason));
	error_set(&transfer->error, EXIT_FAILED, "sender: %s", reason);
	/* A receiver that only repeats the sender's words has nothing to add. */
	if (receiver_failed && strstr(command_reason(receiver), reason) != NULL)
		command_last_line(receiver);
	else if (receiver_failed)
		error_set(&transfer->error, EXIT_FAILED, "sender: %s; "
		    "receiver: %s", reason, command_last_line(receiver));
}

/* Both have ended: was it a success? */
static int
judge(struct transfer *transfer)
{
	struct command *sender = &transfer->sides[SENDER];
	struct command *receiver = &transfer->sides[RECEIVER];
	const bool received = receiver->call.endpoint.ended;
	ProtobufCMessage *answer;

	/* If its answer was too long, we stopped reading, and that made it fail. */
	if (!receiver->call.too_long && (!command_succeeded(sender) ||
	    (received && !command_succeeded(receiver)))) {
		blame(transfer);
		return (-1);
	}
	/* Without a receiver, the sender has given no valid line. */
	answer = command_answer(received ? receiver : sender, &transfer->error);
	pbjson_free(answer);
	transfer->failure = answer == NULL ? FAILURE_OTHER : FAILURE_NONE;
	return (answer == NULL ? -1 : 0);
}

/* The sender has ended without an answer that the receiver could go on with. */
static void
end_receiver_unasked(struct transfer *transfer, int64_t now)
{
	struct command *receiver = &transfer->sides[RECEIVER];

	if (transfer->asked_at == 0 && command_runs(receiver))
		endpoint_end(&receiver->call.endpoint, now);
}

/* Take the next steps, depending on the answer and on the ended processes. */
static void
go_on(struct transfer *transfer, int64_t now)
{
	struct command *sender = &transfer->sides[SENDER];
	struct command *receiver = &transfer->sides[RECEIVER];

	if (transfer->asked_at == 0 && receiver->call.endpoint.ended)
		transfer_drop_side(transfer, RECEIVER);
	if (transfer->phase == TRANSFER_ANSWER && command_has_line(sender) &&
	    (command_runs(sender) || command_succeeded(sender)))
		on_answer(transfer, now);
	if (transfer->phase == TRANSFER_STREAM && receiver->call.endpoint.ended &&
	    command_left_request(receiver)) {
		command_last_line(receiver);	/* what is held is not shown */
		transfer_drop_side(transfer, RECEIVER);
		if (transfer_ask_receiver(transfer, now) == -1)
			fail(transfer, FAILURE_OTHER, now);
	}
	if (transfer->phase == TRANSFER_STREAM && !command_runs(receiver) &&
	    transfer->receiver == TRANSFER_RECEIVER_RUNS)
		on_receiver_ended(transfer, now);
	if (transfer->phase == TRANSFER_ANSWER && !command_runs(sender))
		end_receiver_unasked(transfer, now);
	if (!command_runs(sender))
		verdict_give(&transfer->verdict, command_succeeded(sender) ?
		    NULL : command_reason(sender));
	if (command_runs(sender) || command_runs(receiver))
		return;
	for (int i = 0; i < SIDES; i++)
		progress_read(&transfer->progress[i]);
	transfer->phase = transfer->phase != TRANSFER_ENDING &&
	    judge(transfer) == 0 ? TRANSFER_DONE : TRANSFER_FAILED;
}

bool
transfer_was_prepared(const struct transfer *transfer)
{
	return (transfer->prepared[SENDER] || transfer->prepared[RECEIVER]);
}

bool
transfer_was_stale(const struct transfer *transfer, bool others, int64_t now)
{
	const struct command *sender = &transfer->sides[SENDER];

	if (transfer->failure != FAILURE_TRANSPORT || transfer->given_up)
		return (false);
	if (transfer->asked_at == 0)
		return ((others || transfer->replaced || transfer->prepared[SENDER]) &&
		    buffer_length(&sender->call.answer) == 0);
	/* A new receiver that was lost may have taken a part of the stream. */
	return ((transfer->replaced || transfer->prepared[RECEIVER]) &&
	    (transfer->receiver == TRANSFER_RECEIVER_FIRST ||
	    command_succeeded(sender)) && now < transfer->asked_at + STALE_MS);
}

bool
transfer_bytes(const struct transfer *transfer, uint64_t *bytes)
{
	const struct progress_reader *progress =
	    &transfer->progress[transfer->progress[RECEIVER].known ? RECEIVER : SENDER];

	*bytes = progress->bytes;
	return (progress->known);
}

void
transfer_poll(const struct transfer *transfer,
    struct pollfd entries[TRANSFER_ENTRIES])
{
	struct pollfd *rest = entries + SIDES * CALL_ENTRIES;
	const struct command *sides = transfer->sides;

	for (int i = 0; i < SIDES; i++)
		call_poll(&sides[i].call, entries + i * CALL_ENTRIES);
	for (int i = 0; i < SIDES; i++)
		rest[1 + i] = (struct pollfd){ .fd = transfer->progress[i].fd,
		    .events = POLLIN };
	rest[0] = (struct pollfd){ .events = POLLIN,
	    .fd = transfer->receiver != TRANSFER_RECEIVER_RUNS &&
	    command_succeeded(&sides[RECEIVER]) ?
	    sides[SENDER].call.endpoint.process.output : -1 };
}

int64_t
transfer_deadline(const struct transfer *transfer)
{
	int64_t deadline = transfer->end_sender_at;

	for (int i = 0; i < SIDES; i++)
		deadline = io_earlier(deadline,
		    call_deadline(&transfer->sides[i].call));
	return (deadline);
}

void
transfer_handle(struct transfer *transfer,
    const struct pollfd entries[TRANSFER_ENTRIES], int64_t now)
{
	const struct pollfd *rest = entries + SIDES * CALL_ENTRIES;
	struct endpoint *sender = &transfer->sides[SENDER].call.endpoint;

	for (int i = 0; i < SIDES; i++)
		if (command_runs(&transfer->sides[i]))
			command_handle(&transfer->sides[i],
			    entries + i * CALL_ENTRIES, now);
	for (int i = 0; i < SIDES; i++)
		if (rest[1 + i].revents != 0)
			progress_read(&transfer->progress[i]);
	if (transfer->phase == TRANSFER_AHEAD)
		return;
	if (rest[0].revents != 0)
		drain_stream(&sender->process.output);
	if (now >= transfer->end_sender_at) {
		transfer->end_sender_at = IO_FOREVER;
		endpoint_end(sender, now);
	}
	go_on(transfer, now);
}

void
transfer_end(struct transfer *transfer, enum failure failure,
    const struct error *why, int64_t now)
{
	if (transfer->phase >= TRANSFER_ENDING)
		return;
	transfer->given_up = true;
	transfer->error = *why;
	fail(transfer, failure, now);
}

void
transfer_free(struct transfer *transfer, char *hints, size_t size)
{
	char unused[1] = "";

	transfer_close_stream(transfer);
	io_close(&transfer->verdict);
	for (int i = 0; i < SIDES; i++)
		command_free(&transfer->sides[i], hints != NULL ? hints : unused,
		    hints != NULL ? size : sizeof(unused));
	for (int i = 0; i < SIDES; i++)
		progress_reader_free(&transfer->progress[i]);
}
