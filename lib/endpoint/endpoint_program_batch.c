/*
 * The batch form of the endpoint interface, as a program of ours offers it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/lines.h"
#include "base/signals.h"
#include "endpoint/batch.h"
#include "endpoint/call.h"
#include "endpoint/endpoint_program.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"

#define OUTPUT_MAX ((size_t)1 << 30)	/* an id and METHOD_ANSWER_MAX fit */
#define LONG_ANSWER (64u << 10)		/* bytes: worth two more system calls */

struct entry {
	TAILQ_ENTRY(entry) entries;
	struct json_slice id;		/* its text is owned */
	const struct endpoint_method *method;
	ProtobufCMessage *request;
	struct call at;			/* the child, once started */
	bool started;
	bool cancelled;
};

TAILQ_HEAD(entries, entry);

struct batch {
	const struct endpoint_program *program;
	struct entries calls;		/* the oldest first */
	size_t count, running;
	struct lines lines;		/* read, and not yet looked at */
	struct buffer answers;		/* to be written */
	int signal;			/* that told us to end; 0: none */
};

/* --- answers --- */

static int
write_answers(struct batch *batch, struct error *error)
{
	const size_t length = buffer_length(&batch->answers);

	if (io_write_all(STDOUT_FILENO, buffer_front(&batch->answers), length,
	    IO_FOREVER, error) == -1)
		return (-1);
	buffer_consume(&batch->answers, length);
	return (0);
}

static int
write_error(struct batch *batch, const struct json_slice *id,
    const char *status, const struct error *what, struct error *error)
{
	return (batch_write_error(&batch->answers, id, status, what, error) == -1 ?
	    -1 : write_answers(batch, error));
}

/* Without a copy where it is long. */
static int
write_response(struct batch *batch, const struct json_slice *id,
    const char *response, size_t length, struct error *error)
{
	if (length < LONG_ANSWER)
		return (batch_write_response(&batch->answers, id, response,
		    length, error) == -1 ? -1 : write_answers(batch, error));
	if (batch_begin_response(&batch->answers, id, error) == -1 ||
	    write_answers(batch, error) == -1 ||
	    io_write_all(STDOUT_FILENO, response, length, IO_FOREVER,
	    error) == -1 || io_write_all(STDOUT_FILENO, BATCH_END_RESPONSE,
	    strlen(BATCH_END_RESPONSE), IO_FOREVER, error) == -1)
		return (-1);
	return (0);
}

static int
write_answer(struct batch *batch, struct entry *call, struct error *error)
{
	enum outcome outcome = OUTCOME_FAILED;
	const char *response = NULL;
	struct error what;
	size_t length = 0;

	if (call->started)
		endpoint_log(&call->at.endpoint);
	if (call->cancelled)
		error_set(&what, EXIT_FAILED, "cancelled");
	else
		outcome = call_outcome(&call->at, &response, &length, &what);
	if (outcome == OUTCOME_ANSWERED)
		return (write_response(batch, &call->id, response, length,
		    error));
	return (write_error(batch, &call->id, outcome == OUTCOME_TIMED_OUT ||
	    outcome == OUTCOME_TOO_LONG ? outcome_status(outcome) : NULL, &what,
	    error));
}

/* --- calls --- */

static void
forget(struct batch *batch, struct entry *call)
{
	TAILQ_REMOVE(&batch->calls, call, entries);
	batch->count--;
	batch->running -= call->started;
	if (call->started)
		call_free(&call->at);
	pbjson_free(call->request);
	free((char *)(uintptr_t)call->id.text);
	free(call);
}

/* In the child: as if it were the only call. */
static void
run_call(const struct batch *batch, const struct entry *call, int output,
    int errors)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int code;

	setpgid(0, 0);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(output, STDOUT_FILENO) == -1 || dup2(errors, STDERR_FILENO) == -1)
		_exit(EXIT_SYSTEM);
	signals_restore();
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	code = endpoint_program_handle(batch->program, call->method, call->request);
	_exit(code);
}

/* A child for the call, in a group of its own. */
static int
start(struct batch *batch, struct entry *call, struct error *error)
{
	struct process *process = &call->at.endpoint.process;
	int output[2] = { -1, -1 }, errors[2] = { -1, -1 };

	call->at = CALL_NONE(METHOD_UNARY);
	if (pipe2(output, O_CLOEXEC) == -1 || pipe2(errors, O_CLOEXEC) == -1 ||
	    (process->pid = fork()) == -1) {
		error_errno(error, "cannot start a call");
		for (int i = 0; i < 2; i++) {
			io_close(&output[i]);
			io_close(&errors[i]);
		}
		return (-1);
	}
	if (process->pid == 0)
		run_call(batch, call, output[1], errors[1]);
	setpgid(process->pid, process->pid);	/* both do: no race */
	process->group = true;
	process->output = output[0];
	process->errors = errors[0];
	io_set_nonblocking(output[0], true);
	io_set_nonblocking(errors[0], true);
	pbjson_free(call->request);		/* the child has its own */
	call->request = NULL;
	close(output[1]);
	close(errors[1]);
	call->started = true;
	batch->running++;
	return (0);
}

static void
cancel(struct batch *batch, const struct json_slice *id)
{
	struct entry *call;

	TAILQ_FOREACH(call, &batch->calls, entries)
		if (batch_same_id(&call->id, id) && !call->cancelled) {
			call->cancelled = true;
			if (call->started)
				endpoint_end(&call->at.endpoint, io_now());
			return;
		}
}

/* --- lines --- */

/* The call that a line asks for, or why it asks for none. */
static int
read_call(const struct batch *batch, const struct batch_request *line,
    struct entry *call, struct error *error)
{
	const struct method *method = method_by_name(line->method);
	char names[METHOD_NAMES_SIZE];

	if (method != NULL)
		call->method = endpoint_program_find(batch->program, line->method);
	if (call->method == NULL || method->kind == METHOD_SEND ||
	    method->kind == METHOD_RECEIVE)
		error_set(error, EXIT_USAGE, "%s: not a method for a batch (%s)",
		    line->method[0] == '\0' ? "(none)" : line->method,
		    method_names(METHODS_OF_CONTROL, names));
	else if ((call->request = pbjson_parse(method->request, request_check,
	    line->request.text, line->request.length, error)) == NULL) {
		error_prefix(error, "request");
		error->code = EXIT_USAGE;
	}
	return (call->request != NULL ? 0 : -1);
}

static int
add_call(struct batch *batch, const struct batch_request *line,
    struct error *error)
{
	struct entry *call = calloc(1, sizeof(*call));
	char *id = malloc(line->id.length);
	struct error what;
	int result = 0;

	if (call == NULL || id == NULL) {
		free(call);
		free(id);
		return (error_errno(error, "call"));
	}
	call->id.text = memcpy(id, line->id.text, line->id.length);
	call->id.length = line->id.length;
	TAILQ_INSERT_TAIL(&batch->calls, call, entries);
	batch->count++;
	if (read_call(batch, line, call, &what) == -1) {
		result = write_error(batch, &line->id, NULL, &what, error);
		forget(batch, call);
	}
	return (result);
}

static int
take_line(struct batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct batch_request line;
	struct error what;

	if (batch_request_parse(&line, text, length, &what) == -1)
		return (write_error(batch, &line.id, NULL, &what, error));
	if (!line.cancel)
		return (add_call(batch, &line, error));
	cancel(batch, &line.id);
	return (0);
}

/* Is there a line to be looked at, or to be read? */
static bool
wants_lines(const struct batch *batch)
{
	return (batch->signal == 0 && batch->count < ENDPOINT_BATCH_WAITING);
}

static int
take_lines(struct batch *batch, struct error *error)
{
	const char *line;
	size_t length;

	while (wants_lines(batch) &&
	    (line = lines_next(&batch->lines, &length)) != NULL)
		if (length > 0 && take_line(batch, line, length, error) == -1)
			return (-1);
	return (0);
}

/* --- the loop --- */

/* Start, read and finish what can be; a call that is over leaves the list. */
static int
attend(struct batch *batch, struct error *error)
{
	/* Whatever poll(2) has said: it costs little here. */
	static const struct pollfd ready[CALL_ENTRIES] = {
	    { .revents = POLLIN }, { .revents = POLLIN } };
	struct entry *call, *next;
	struct error what;

	for (call = TAILQ_FIRST(&batch->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (!call->started && !call->cancelled &&
		    batch->running + endpoint_left_behind() <
		    ENDPOINT_BATCH_AT_ONCE &&
		    start(batch, call, &what) == -1) {
			if (write_error(batch, &call->id, NULL, &what, error) == -1)
				return (-1);
			forget(batch, call);
			continue;
		}
		if (call->started) {
			call_move(&call->at, ready, io_now());
			call_check(&call->at, io_now());
		}
		if (call->started ? call->at.endpoint.ended : call->cancelled) {
			if (write_answer(batch, call, error) == -1)
				return (-1);
			forget(batch, call);
		}
	}
	return (0);
}

static void
take_signals(struct batch *batch)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct entry *call;

	signals_take(SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals_take(signals[i]))
			batch->signal = signals[i];
	if (batch->signal == 0)
		return;
	TAILQ_FOREACH(call, &batch->calls, entries) {
		call->cancelled = true;
		if (call->started)
			endpoint_end(&call->at.endpoint, io_now());
	}
}

/* Sleep once, and see what has come. */
static int
turn(struct batch *batch, struct error *error)
{
	struct pollfd entries[1 + CALL_ENTRIES * ENDPOINT_BATCH_AT_ONCE];
	int64_t deadline = IO_FOREVER;
	struct entry *call;
	size_t count = 1;

	entries[0] = (struct pollfd){ .events = POLLIN,
	    .fd = wants_lines(batch) && !batch->lines.ended ? STDIN_FILENO : -1 };
	TAILQ_FOREACH(call, &batch->calls, entries) {
		if (!call->started)
			continue;
		call_poll(&call->at, entries + count);
		count += CALL_ENTRIES;
		deadline = io_earlier(deadline, call->at.endpoint.kill_at);
	}
	io_poll(entries, count, deadline);
	take_signals(batch);
	if (entries[0].revents != 0 &&
	    lines_read(&batch->lines, STDIN_FILENO, error) == -1)
		return (error_prefix(error, "standard input"));
	return (0);
}

/* Do what can be done now.  1: everything is, 0: not yet. */
static int
work(struct batch *batch, struct error *error)
{
	do
		if (take_lines(batch, error) == -1 || attend(batch, error) == -1)
			return (-1);
	while (wants_lines(batch) && lines_waiting(&batch->lines));
	return (batch->count == 0 &&
	    (batch->signal != 0 || lines_done(&batch->lines)));
}

int
endpoint_batch(const struct endpoint_program *program, struct error *error)
{
	struct batch batch = { .program = program,
	    .lines = LINES_EMPTY(REQUEST_LINE_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	int result;

	TAILQ_INIT(&batch.calls);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGINT);
	signals_catch(SIGHUP);
	while ((result = work(&batch, error)) == 0)
		if (turn(&batch, error) == -1) {
			result = -1;
			break;
		}
	while (!TAILQ_EMPTY(&batch.calls))
		forget(&batch, TAILQ_FIRST(&batch.calls));
	lines_free(&batch.lines);
	buffer_free(&batch.answers);
	if (result == -1)
		return (-1);
	if (batch.signal != 0)
		return (error_set(error, EXIT_SIGNAL + batch.signal,
		    "ended by signal %d (%s)", batch.signal,
		    strsignal(batch.signal)));
	return (0);
}
