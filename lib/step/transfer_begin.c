#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "endpoint/side_pipe.h"
#include "endpoint/verdict.h"
#include "step/transfer_private.h"

enum { SENDER = TRANSFER_SENDER, RECEIVER = TRANSFER_RECEIVER,
	SIDES = TRANSFER_SIDES };

bool
transfer_can_wait(const char *sender, const char *receiver)
{
	return (command_can_wait(sender) || command_can_wait(receiver));
}

static int
open_stream(struct transfer *transfer, struct error *error)
{
	*transfer = (struct transfer){
	    .sides = { COMMAND_NONE("sender"), COMMAND_NONE("receiver") },
	    .progress = { PROGRESS_READER_NONE, PROGRESS_READER_NONE },
	    .stream = { -1, -1 }, .verdict = -1, .end_sender_at = IO_FOREVER };
	if (side_pipes_reserve(error) == -1)
		return (-1);
	if (pipe2(transfer->stream, O_CLOEXEC) == -1)
		return (error_errno(error, "pipe"));
	return (0);
}

/* Before its request, or instead of one that has ended before that. */
static int
start_side(struct transfer *transfer, int side, const char *string,
    struct error *error)
{
	int result = -1;

	if ((side == SENDER ||
	    (transfer->verdict = verdict_offer(error)) != -1) &&
	    progress_offer(&transfer->progress[side], error) == 0)
		result = command_start_ahead(&transfer->sides[side], string,
		    side == SENDER ? "Send" : "Receive",
		    side == SENDER ? PROCESS_PIPE : transfer->stream[0],
		    side == SENDER ? transfer->stream[1] : PROCESS_PIPE, error);
	side_pipes_close();
	return (result);
}

void
transfer_drop_side(struct transfer *transfer, int side)
{
	char unused[1] = "";

	if (transfer->sides[side].call.endpoint.ended)
		transfer->replaced = true;
	command_free(&transfer->sides[side], unused, sizeof(unused));
	progress_reader_free(&transfer->progress[side]);
	transfer->progress[side] = PROGRESS_READER_NONE;
	transfer->prepared[side] = false;
	if (side == RECEIVER)
		io_close(&transfer->verdict);
}

void
transfer_close_stream(struct transfer *transfer)
{
	io_close(&transfer->stream[0]);
	io_close(&transfer->stream[1]);
}

int
transfer_prepare(struct transfer *transfer, const char *sender,
    const char *receiver, struct error *error)
{
	const char *const strings[SIDES] = { sender, receiver };

	if (open_stream(transfer, error) == -1)
		return (-1);
	for (int i = 0; i < SIDES; i++)
		if (command_can_wait(strings[i])) {
			if (start_side(transfer, i, strings[i], error) == -1) {
				transfer_free(transfer, NULL, 0);
				return (-1);
			}
			transfer->prepared[i] = true;
		}
	return (0);
}

bool
transfer_waits(struct transfer *transfer, struct error *why)
{
	why->code = EXIT_DONE;
	for (int i = 0; i < SIDES; i++)
		if (transfer->sides[i].call.endpoint.ended) {
			error_set(why, EXIT_FAILED, "%s: %s", transfer->sides[i].role,
			    command_last_line(&transfer->sides[i]));
			transfer_drop_side(transfer, i);
		}
	return (command_runs(&transfer->sides[SENDER]) ||
	    command_runs(&transfer->sides[RECEIVER]));
}

/*
 * Give the sender its request; it is started now unless it waits for that already.  Its
 * pipe is the transfer's until it has answered; the rest of the stream is then the
 * receiver's input.
 */
static int
ask_sender(struct transfer *transfer, struct error *error)
{
	struct command *sender = &transfer->sides[SENDER];

	if (!command_runs(sender))
		transfer_drop_side(transfer, SENDER);
	if (!command_runs(sender) && start_side(transfer, SENDER,
	    transfer->order->sender, error) == -1)
		return (-1);
	sender->call.endpoint.process.output = transfer->stream[0];
	transfer->stream[0] = -1;
	return (command_request(sender, &transfer->order->request->base, error));
}

int
transfer_begin(struct transfer *transfer, const struct transfer_order *order,
    struct error *error)
{
	struct command *receiver = &transfer->sides[RECEIVER];
	struct error unused;

	transfer->order = order;
	transfer->phase = TRANSFER_ANSWER;
	if (!command_runs(receiver))
		transfer_drop_side(transfer, RECEIVER);
	/* Let it connect meanwhile.  If it cannot, that is seen when it is needed. */
	if (!command_runs(receiver) && command_can_wait(order->receiver) &&
	    start_side(transfer, RECEIVER, order->receiver, &unused) == -1)
		transfer_drop_side(transfer, RECEIVER);
	/* Our end is not to block; a receiver shares it, and waits for its request. */
	if (io_set_nonblocking(transfer->stream[0], true) == -1)
		error_errno(error, "the sender's pipe");
	else if (ask_sender(transfer, error) == 0)
		return (0);
	transfer_free(transfer, NULL, 0);
	return (-1);
}

int
transfer_start(struct transfer *transfer, const struct transfer_order *order,
    struct error *error)
{
	return (open_stream(transfer, error) == -1 ? -1 :
	    transfer_begin(transfer, order, error));
}

int
transfer_ask_receiver(struct transfer *transfer, int64_t now)
{
	const struct transfer_order *order = transfer->order;
	const int stream = transfer->sides[SENDER].call.endpoint.process.output;
	struct command *receiver = &transfer->sides[RECEIVER];
	ReceiveReq request = RECEIVE_REQ__INIT;
	struct error *error = &transfer->error;
	int result = -1;

	request.filesystem = order->destination != NULL ?
	    (char *)(uintptr_t)order->destination : order->request->filesystem;
	request.to = order->request->to;
	request.clearresumetoken = !transfer->used_resume_token;
	request.replicationconfig = order->request->replicationconfig;
	transfer_close_stream(transfer);
	transfer->asked_at = now;
	/* Our end does not block; the receiver shares it, and needs a blocking one. */
	if (io_set_nonblocking(stream, false) == -1)
		return (error_errno(error, "the sender's pipe"));
	if (command_runs(receiver))
		return (command_request(receiver, &request.base, error));
	if ((transfer->verdict = verdict_offer(error)) != -1 &&
	    progress_offer(&transfer->progress[RECEIVER], error) == 0)
		result = command_start(receiver, order->receiver, "Receive",
		    &request.base, stream, error);
	side_pipes_close();
	return (result);
}
