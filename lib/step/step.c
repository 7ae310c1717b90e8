#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lines.h"
#include "base/number.h"
#include "base/signals.h"
#include "endpoint/verdict.h"
#include "message/pbjson.h"
#include "step/command.h"
#include "step/step.h"

/* A sender whose receiver is gone gets this long to notice by itself. */
#define SENDER_GRACE_MS 5000

/* {"bytes":N}; a longer line is none of progress. */
#define PROGRESS_LINE_MAX 64u

/* Descriptors that the receiver may find in its environment. */
enum { VERDICT, PROGRESS, EXTRAS };
static const char *const extra_names[EXTRAS] = { VERDICT_ENVIRONMENT, "ZR_PROGRESS" };

enum { SENDER, RECEIVER, SIDES };

struct run {
	const struct step *step;
	struct step_result *result;
	struct error *error;
	struct command sides[SIDES];
	bool started[SIDES];
	bool receiver_first;	/* the sender failed because the receiver did */
	bool failed;		/* *error is set: only wait for the children */
	int extras[EXTRAS];	/* the receiver's ends */
	int verdict;		/* our end; -1 once it is given */
	int progress;		/* the receiver's ZR_PROGRESS lines */
	struct lines progress_lines;
	int64_t end_sender_at;
};

/* The error is set: end what runs. */
static void
fail(struct run *run)
{
	run->failed = true;
	for (int i = 0; i < SIDES; i++)
		if (run->started[i])
			endpoint_end(&run->sides[i].endpoint, io_now());
}

/*
 * Keep a number free that a shell script can write behind < and >&: one
 * digit, and not 6 or 7, which are the network's.  The pipe comes later.
 */
static int
reserve_number(int *number, struct error *error)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), low;

	*number = null == -1 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, 8);
	if (*number > 9) {
		low = fcntl(null, F_DUPFD_CLOEXEC, 3);
		if (low != -1 && low < 6) {
			close(*number);
			*number = low;
		} else
			io_close(&low);
	}
	io_close(&null);
	return (*number == -1 ? error_errno(error, "/dev/null") : 0);
}

/* Put one end of a new pipe where the receiver will find it; return ours. */
static int
extra_pipe(struct run *run, int extra, int *ours)
{
	const int child_end = extra == VERDICT ? 0 : 1;
	char number[16];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return (error_errno(run->error, "pipe"));
	*ours = ends[1 - child_end];
	if (dup2(ends[child_end], run->extras[extra]) == -1 ||
	    io_set_nonblocking(*ours, true) == -1) {
		close(ends[child_end]);
		return (error_errno(run->error, "pipe"));
	}
	close(ends[child_end]);
	snprintf(number, sizeof(number), "%d", run->extras[extra]);
	setenv(extra_names[extra], number, 1);
	return (0);
}

/* ReceiveReq as a line of JSON, from the SendReq and its answer. */
static char *
receive_request(struct run *run)
{
	const SendReq *send = run->step->request;
	ReceiveReq receive = RECEIVE_REQ__INIT;
	const char *destination = run->step->destination;

	receive.filesystem = destination != NULL ?
	    (char *)(uintptr_t)destination : send->filesystem;
	receive.to = send->to;
	receive.clearresumetoken = !run->result->used_resume_token;
	receive.replicationconfig = send->replicationconfig;
	return (pbjson_print(&receive.base, NULL, run->error));
}

/* Start the receiver with the rest of the sender's pipe as its input. */
static int
start_receiver(struct run *run)
{
	const int stream = run->sides[SENDER].endpoint.process.output;
	char *request;
	int result = -1;

	request = receive_request(run);
	if (request == NULL)
		return (-1);
	/* Our end does not block; theirs is the same one and must. */
	if (io_set_nonblocking(stream, false) == -1) {
		error_errno(run->error, "the sender's pipe");
		goto out;
	}
	if (extra_pipe(run, VERDICT, &run->verdict) == -1 ||
	    extra_pipe(run, PROGRESS, &run->progress) == -1)
		goto out;
	result = command_start(&run->sides[RECEIVER], "receiver",
	    run->step->receiver, "Receive", stream, request, false, run->error);
	run->started[RECEIVER] = result == 0;
out:
	for (int i = 0; i < EXTRAS; i++) {
		unsetenv(extra_names[i]);
		io_close(&run->extras[i]);
	}
	free(request);
	return (result);
}

/* The sender's answer line is in: check it and go on to the receiver. */
static void
on_answer(struct run *run)
{
	ProtobufCMessage *message;
	const char *answer;

	answer = command_answer(&run->sides[SENDER], run->error);
	message = answer == NULL ? NULL : pbjson_parse(&send_res__descriptor,
	    NULL, answer, strlen(answer), run->error);
	if (message == NULL) {
		if (answer != NULL)
			error_prefix(run->error, "sender: the answer");
		run->error->code = EXIT_PROTOCOL;
		fail(run);
		return;
	}
	run->result->used_resume_token = ((SendRes *)message)->usedresumetoken;
	pbjson_free(message);
	if (start_receiver(run) == -1)
		fail(run);
}

static void
on_sender_ended(struct run *run)
{
	const char *verdict = "0";

	if (!command_succeeded(&run->sides[SENDER]))
		verdict = command_reason(&run->sides[SENDER]);
	/* One short line into an empty pipe: this cannot block. */
	dprintf(run->verdict, "%s\n", verdict);
	io_close(&run->verdict);
}

/* Nobody has it open for writing any more: the sender is ending, if not gone. */
static bool
is_closed_by_sender(int stream)
{
	struct pollfd entry = { .fd = stream };

	return (stream == -1 || (io_poll(&entry, 1, 0) == 1 &&
	    (entry.revents & POLLHUP) != 0));
}

/*
 * The receiver has ended before we saw the sender's end.  We still hold the
 * pipe: while the sender writes to it, it has not noticed, and if the receiver
 * failed, that is what came first.  If it is content with less than the whole,
 * the rest is thrown away.
 */
static void
on_receiver_ended(struct run *run, int64_t now)
{
	struct command *sender = &run->sides[SENDER];
	int *stream = &sender->endpoint.process.output;

	if (command_succeeded(&run->sides[RECEIVER])) {
		if (*stream != -1)
			io_set_nonblocking(*stream, true);
		return;
	}
	if (sender->endpoint.ended || run->failed)
		return;
	run->receiver_first = !is_closed_by_sender(*stream);
	io_close(stream);
	run->end_sender_at = now + SENDER_GRACE_MS;
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

/* A line {"bytes":N} from the receiver: the last one counts. */
static void
on_progress_line(struct run *run, const char *line, size_t length)
{
	static const char begin[] = "{\"bytes\":";
	const size_t before = strlen(begin);
	char digits[PROGRESS_LINE_MAX + 1];
	uint64_t bytes;

	if (length > PROGRESS_LINE_MAX || length <= before ||
	    memcmp(line, begin, before) != 0 || line[length - 1] != '}')
		return;
	memcpy(digits, line + before, length - before);
	digits[length - before - 1] = '\0';
	if (!number_parse(&bytes, digits, 10, 0, INT64_MAX))
		return;
	run->result->bytes_known = true;
	run->result->bytes = bytes;
}

/* One pipe's worth, then back to poll; who writes no lines is not read. */
static void
read_progress(struct run *run)
{
	struct error ignored;
	const char *line;
	size_t length;

	if (lines_read(&run->progress_lines, run->progress, &ignored) == -1)
		io_close(&run->progress);
	while ((line = lines_next(&run->progress_lines, &length)) != NULL)
		on_progress_line(run, line, length);
	if (run->progress_lines.ended)
		io_close(&run->progress);
}

static void
take_signals(struct run *run)
{
	static const int ours[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (signals_take(ours[i]) && !run->failed) {
			error_set(run->error, EXIT_SIGNAL + (unsigned)ours[i],
			    "ended by signal %d", ours[i]);
			fail(run);
		}
	signals_take(SIGCHLD);
}

/* Wait for something to happen, and move what can be moved. */
static int
wait_and_move(struct run *run)
{
	struct pollfd entries[SIDES * COMMAND_ENTRIES + 2];
	struct pollfd *rest = &entries[SIDES * COMMAND_ENTRIES];
	struct command *sender = &run->sides[SENDER];
	int64_t deadline = run->end_sender_at, now;
	bool drain;

	for (int i = 0; i < SIDES; i++) {
		command_poll(&run->sides[i], entries + i * COMMAND_ENTRIES);
		deadline = io_earlier(deadline, run->sides[i].endpoint.kill_at);
		deadline = io_earlier(deadline, run->sides[i].endpoint.held_until);
	}
	deadline = io_earlier(deadline, progress_deadline(run->step->progress));
	drain = run->started[RECEIVER] &&
	    command_succeeded(&run->sides[RECEIVER]);
	rest[0] = (struct pollfd){ .fd = run->progress, .events = POLLIN };
	rest[1] = (struct pollfd){ .events = POLLIN,
	    .fd = drain ? sender->endpoint.process.output : -1 };
	io_poll(entries, sizeof(entries) / sizeof(entries[0]), deadline);
	now = io_now();
	take_signals(run);
	for (int i = 0; i < SIDES; i++)
		if (run->started[i])
			command_handle(&run->sides[i],
			    entries + i * COMMAND_ENTRIES, now);
	if (rest[0].revents != 0)
		read_progress(run);
	if (rest[1].revents != 0)
		drain_stream(&sender->endpoint.process.output);
	progress_tick(run->step->progress, run->result->bytes, now);
	if (now >= run->end_sender_at) {
		run->end_sender_at = IO_FOREVER;
		endpoint_end(&sender->endpoint, now);
	}
	return (0);
}

static bool
ended(const struct run *run, int side)
{
	return (!run->started[side] || run->sides[side].endpoint.ended);
}

/* Both have ended: whose fault was it? */
static int
judge(struct run *run)
{
	struct command *sender = &run->sides[SENDER];
	struct command *receiver = &run->sides[RECEIVER];
	const bool sender_failed = run->started[SENDER] && !command_succeeded(sender);
	const bool receiver_failed = run->started[RECEIVER] && !command_succeeded(receiver);
	char reason[480];

	if (run->failed)
		return (-1);
	if (!sender_failed && !receiver_failed)
		return (0);
	/* Where we read no further, that may be all it failed of. */
	for (int i = 0; i < SIDES; i++)
		if (run->started[i] && !run->sides[i].stream_follows &&
		    run->sides[i].answer_length == COMMAND_ANSWER_MAX &&
		    command_answer(&run->sides[i], run->error) == NULL)
			return (-1);
	if (receiver_failed && (run->receiver_first || !sender_failed))
		return (error_set(run->error, EXIT_FAILED, "receiver: %s",
		    command_last_line(receiver)));
	strlcpy(reason, command_last_line(sender), sizeof(reason));
	/* A receiver that only repeats what it was told has nothing to add. */
	if (receiver_failed && strstr(command_reason(receiver), reason) != NULL)
		command_last_line(receiver);
	else if (receiver_failed)
		return (error_set(run->error, EXIT_FAILED, "sender: %s; "
		    "receiver: %s", reason, command_last_line(receiver)));
	return (error_set(run->error, EXIT_FAILED, "sender: %s", reason));
}

/* Has it not failed yet? */
static bool
sender_may_deliver(const struct run *run)
{
	return (!run->sides[SENDER].endpoint.ended ||
	    command_succeeded(&run->sides[SENDER]));
}

/* Send and Receive. */
static int
transfer(struct run *run, const char *request)
{
	bool seen_sender = false, seen_receiver = false;

	if (command_start(&run->sides[SENDER], "sender", run->step->sender,
	    "Send", PROCESS_PIPE, request, true, run->error) == -1)
		return (-1);
	run->started[SENDER] = true;
	while (!ended(run, SENDER) || !ended(run, RECEIVER)) {
		if (wait_and_move(run) == -1)
			fail(run);
		if (!run->failed && !run->started[RECEIVER] &&
		    sender_may_deliver(run) && (run->sides[SENDER].answered ||
		    run->sides[SENDER].answer_length == COMMAND_ANSWER_MAX))
			on_answer(run);
		if (run->started[RECEIVER] && ended(run, RECEIVER) && !seen_receiver) {
			on_receiver_ended(run, io_now());
			seen_receiver = true;
		}
		if (run->started[RECEIVER] && ended(run, SENDER) && !seen_sender) {
			on_sender_ended(run);
			seen_sender = true;
		}
	}
	if (run->progress != -1)
		read_progress(run);
	progress_end(run->step->progress, run->result->bytes);
	if (judge(run) == -1)
		return (-1);
	if (!run->started[RECEIVER])	/* ended with 0 and said nothing */
		return (command_answer(&run->sides[SENDER], run->error) != NULL ?
		    error_set(run->error, EXIT_PROTOCOL, "sender: no answer line") : -1);
	return (0);
}

/* One more call, with an answer that says nothing but must be one. */
static int
check_answer(struct command *command, const ProtobufCMessageDescriptor *type,
    struct error *error)
{
	ProtobufCMessage *message;
	const char *answer;

	answer = command_answer(command, error);
	if (answer == NULL)
		return (-1);
	message = pbjson_parse(type, NULL, answer, strlen(answer), error);
	if (message == NULL) {
		error_prefix(error, "%s: the answer", command->role);
		error->code = EXIT_PROTOCOL;
		return (-1);
	}
	pbjson_free(message);
	return (0);
}

static int
send_completed(struct run *run, const char *request)
{
	struct command *sender = &run->sides[SENDER];

	run->started[RECEIVER] = false;
	run->sides[RECEIVER] = (struct command){ .endpoint = ENDPOINT_NONE };
	if (command_start(sender, "sender", run->step->sender, "SendCompleted",
	    PROCESS_PIPE, request, false, run->error) == -1)
		return (-1);
	while (!ended(run, SENDER))
		if (wait_and_move(run) == -1)
			fail(run);
	if (judge(run) == -1 ||
	    check_answer(sender, &send_completed_res__descriptor, run->error) == -1) {
		if (!run->failed)
			error_prefix(run->error, "received, but SendCompleted failed");
		return (-1);
	}
	return (0);
}

/* A message as a line of JSON with its newline; free(3) it. */
static char *
request_line(const ProtobufCMessage *message, struct error *error)
{
	char *text, *line;

	text = pbjson_print(message, NULL, error);
	if (text == NULL)
		return (NULL);
	if (asprintf(&line, "%s\n", text) == -1) {
		error_set(error, EXIT_SYSTEM, "out of memory");
		line = NULL;
	}
	free(text);
	return (line);
}

/* Both commands are over; what they said and nobody repeats is shown. */
static void
end_sides(struct run *run)
{
	for (int i = 0; i < SIDES; i++) {
		command_show(&run->sides[i]);
		strlcat(run->result->hints, run->sides[i].hints,
		    sizeof(run->result->hints));
		endpoint_free(&run->sides[i].endpoint);
		run->sides[i].endpoint = ENDPOINT_NONE;
	}
}

int
step_run(const struct step *step, struct step_result *result, struct error *error)
{
	SendCompletedReq completed = SEND_COMPLETED_REQ__INIT;
	struct run *run;
	char *request, *completed_request;
	const int64_t started = io_now();
	int outcome = -1;

	*result = (struct step_result){ .bytes_known = false };
	completed.originalreq = (SendReq *)(uintptr_t)step->request;
	run = calloc(1, sizeof(*run));
	request = request_line(&step->request->base, error);
	completed_request = request_line(&completed.base, error);
	if (run == NULL)
		error_errno(error, "step");
	if (run == NULL || request == NULL || completed_request == NULL)
		goto out;
	*run = (struct run){ .step = step, .result = result, .error = error,
	    .extras = { -1, -1 }, .verdict = -1, .progress = -1,
	    .progress_lines = LINES_EMPTY(PROGRESS_LINE_MAX),
	    .end_sender_at = IO_FOREVER };
	for (int i = 0; i < SIDES; i++)
		run->sides[i].endpoint = ENDPOINT_NONE;
	if (reserve_number(&run->extras[VERDICT], error) == 0 &&
	    reserve_number(&run->extras[PROGRESS], error) == 0)
		outcome = transfer(run, request);
	if (outcome == 0)
		outcome = check_answer(&run->sides[RECEIVER],
		    &receive_res__descriptor, error);
	end_sides(run);
	if (outcome == 0) {
		outcome = send_completed(run, completed_request);
		end_sides(run);
	}
	for (int i = 0; i < EXTRAS; i++)
		io_close(&run->extras[i]);
	io_close(&run->verdict);
	io_close(&run->progress);
	lines_free(&run->progress_lines);
	result->elapsed_ms = io_now() - started;
out:
	free(completed_request);
	free(request);
	free(run);
	return (outcome);
}
