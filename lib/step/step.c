#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "message/json_text.h"
#include "message/pbjson.h"
#include "step/step.h"

enum phase {
	TRANSFER,
	COMPLETION,		/* SendCompleted runs */
	COMPLETION_ENDING,	/* SendCompleted is being ended: the error is set */
	OVER
};

struct step {
	const struct transfer_order *order;
	enum phase phase;
	struct transfer transfer;
	struct command completion;
	struct step_result result;
	int64_t started;
};

struct step *
step_start(const struct transfer_order *order, int64_t now, struct error *error)
{
	struct step *step = calloc(1, sizeof(*step));

	if (step == NULL) {
		error_errno(error, "step");
		return (NULL);
	}
	step->order = order;
	step->started = now;
	step->completion = COMMAND_NONE("sender");
	if (transfer_start(&step->transfer, order, error) == -1) {
		free(step);
		return (NULL);
	}
	return (step);
}

void
step_poll(const struct step *step, struct pollfd entries[STEP_ENTRIES])
{
	for (int i = CALL_ENTRIES; i < STEP_ENTRIES; i++)
		entries[i] = (struct pollfd){ .fd = -1 };
	if (step->phase == TRANSFER)
		transfer_poll(&step->transfer, entries);
	else
		call_poll(&step->completion.call, entries);
}

int64_t
step_deadline(const struct step *step)
{
	return (step->phase == TRANSFER ? transfer_deadline(&step->transfer) :
	    call_deadline(&step->completion.call));
}

static void
finish(struct step *step, int64_t now)
{
	step->phase = OVER;
	step->result.figures.elapsed_ms = now - step->started;
}

static void
complete(struct step *step, int64_t now)
{
	SendCompletedReq request = SEND_COMPLETED_REQ__INIT;

	request.originalreq = (SendReq *)(uintptr_t)step->order->request;
	step->phase = COMPLETION;
	if (command_start(&step->completion, step->order->sender,
	    "SendCompleted", &request.base, PROCESS_PIPE,
	    &step->result.error) == -1)
		finish(step, now);
}

static void
handle_transfer(struct step *step, const struct pollfd entries[STEP_ENTRIES],
    int64_t now)
{
	struct transfer *transfer = &step->transfer;
	struct step_result *result = &step->result;

	transfer_handle(transfer, entries, now);
	result->figures.bytes_known = transfer_bytes(transfer, &result->figures.bytes);
	result->figures.used_resume_token = transfer->used_resume_token;
	if (transfer->phase < TRANSFER_FAILED)
		return;
	result->error = transfer->error;
	transfer_free(transfer, result->hints, sizeof(result->hints));
	if (transfer->phase == TRANSFER_DONE)
		complete(step, now);
	else
		finish(step, now);
}

/* Did SendCompleted succeed?  Its answer is empty, but must be valid. */
static int
judge_completion(struct step *step, struct error *error)
{
	struct command *command = &step->completion;
	ProtobufCMessage *answer;

	if (!command_succeeded(command) && !command->call.too_long)
		return (error_set(error, EXIT_FAILED, "sender: %s",
		    command_last_line(command)));
	answer = command_answer(command, error);
	pbjson_free(answer);
	return (answer == NULL ? -1 : 0);
}

static void
handle_completion(struct step *step, const struct pollfd entries[STEP_ENTRIES],
    int64_t now)
{
	struct step_result *result = &step->result;

	command_handle(&step->completion, entries, now);
	if (command_runs(&step->completion))
		return;
	if (step->phase == COMPLETION &&
	    judge_completion(step, &result->error) == -1)
		error_prefix(&result->error, "received, but SendCompleted failed");
	command_free(&step->completion, result->hints, sizeof(result->hints));
	finish(step, now);
}

void
step_handle(struct step *step, const struct pollfd entries[STEP_ENTRIES],
    int64_t now)
{
	if (step->phase == TRANSFER)
		handle_transfer(step, entries, now);
	else if (step->phase != OVER)
		handle_completion(step, entries, now);
}

void
step_end(struct step *step, const struct error *why, int64_t now)
{
	if (step->phase == TRANSFER)
		transfer_end(&step->transfer, FAILURE_OTHER, why, now);
	else if (step->phase == COMPLETION) {
		step->phase = COMPLETION_ENDING;
		step->result.error = *why;
		endpoint_end(&step->completion.call.endpoint, now);
	}
}

bool
step_over(const struct step *step)
{
	return (step->phase == OVER);
}

const struct step_result *
step_result(const struct step *step)
{
	return (&step->result);
}

void
step_free(struct step *step)
{
	if (step == NULL)
		return;
	if (step->phase == TRANSFER)
		transfer_free(&step->transfer, step->result.hints,
		    sizeof(step->result.hints));
	command_free(&step->completion, step->result.hints,
	    sizeof(step->result.hints));
	free(step);
}

int
step_line(struct buffer *out, const SendReq *request,
    const struct step_figures *figures)
{
	char seconds[32], bytes[32];

	snprintf(seconds, sizeof(seconds), "%.3f",
	    (double)figures->elapsed_ms / 1000);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, figures->bytes);
	return (json_text_member(out, "filesystem", request->filesystem) == -1 ||
	    json_text_member(out, "from", request->from != NULL ?
	    request->from->name : NULL) == -1 ||
	    json_text_member(out, "to", request->to->name) == -1 ||
	    json_text_raw_member(out, "resumed",
	    figures->used_resume_token ? "true" : "false") == -1 ||
	    json_text_raw_member(out, "seconds", seconds) == -1 ||
	    (figures->bytes_known &&
	    json_text_raw_member(out, "bytes", bytes) == -1) ||
	    json_text_raw(out, "}\n") == -1 ? -1 : 0);
}
