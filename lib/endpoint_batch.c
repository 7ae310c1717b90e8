#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "batch.h"
#include "diag.h"
#include "endpoint_batch.h"
#include "endpoint_call.h"
#include "io.h"
#include "lines.h"
#include "method.h"
#include "request.h"
#include "signals.h"

#define OUTPUT_PAUSE	(1u << 20)	/* beyond it no calls are begun */
#define WAITING_PAUSE	(128u << 10)	/* bytes; beyond it no lines are taken: */
#define WAITING_OVERHEAD 512		/* what we hold a fork has to copy */
#define OUTPUT_MAX	((size_t)2 * ENDPOINT_BATCH_CALLS * METHOD_ANSWER_MAX)

struct call {
	TAILQ_ENTRY(call) entries;
	json_t *id;
	const struct method *method;
	char *request;		/* while it waits, JSON text; else NULL */
	struct endpoint_call *at;	/* when it runs; else NULL */
	bool cancelled;
	struct pollfd *poll;	/* ENDPOINT_CALL_ENTRIES of them */
};

TAILQ_HEAD(calls, call);

struct batch {
	int (*run)(int argc, char *argv[]);
	int argc;
	char **argv;
	struct lines lines;
	struct buffer answers;
	struct calls waiting, running;
	size_t waiting_bytes, running_count;
};

static void
free_call(struct call *call)
{
	if (call->at != NULL)
		endpoint_call_free(call->at);
	free(call->at);
	json_decref(call->id);
	free(call->request);
	free(call);
}

static int
fail(struct batch *batch, const struct call *call, const char *status,
    const struct error *what, struct error *error)
{
	return (batch_write_error(&batch->answers, call->id, status, what, error));
}

/* In the child: what endpoint_batch() was promised. */
static void
run_call(struct batch *batch, const char *method)
{
	struct call *other;

	/* What others write to must not stay open because of us. */
	TAILQ_FOREACH(other, &batch->running, entries)
		process_close(&other->at->endpoint.process);
	batch->argv[batch->argc - 1] = (char *)(uintptr_t)method;
	_exit(batch->run(batch->argc, batch->argv));
}

static void
stop_waiting(struct batch *batch, struct call *call)
{
	TAILQ_REMOVE(&batch->waiting, call, entries);
	batch->waiting_bytes -= strlen(call->request) + WAITING_OVERHEAD;
}

/* From waiting to running, or to an error. */
static int
start(struct batch *batch, struct call *call, struct error *error)
{
	const size_t length = strlen(call->request);
	struct error what;
	int result;

	stop_waiting(batch, call);
	call->at = calloc(1, sizeof(*call->at));
	result = call->at == NULL ? error_errno(&what, "call") :
	    endpoint_call_fork(call->at, call->request, length,
	    METHOD_ANSWER_MAX, &what);
	if (result == 1)
		run_call(batch, call->method->name);
	free(call->request);
	call->request = NULL;
	if (result == -1) {
		result = fail(batch, call, NULL, &what, error);
		free_call(call);
		return (result);
	}
	TAILQ_INSERT_TAIL(&batch->running, call, entries);
	batch->running_count++;
	return (0);
}

static int
start_calls(struct batch *batch, struct error *error)
{
	struct call *call;

	while (batch->running_count < ENDPOINT_BATCH_CALLS &&
	    buffer_length(&batch->answers) < OUTPUT_PAUSE &&
	    (call = TAILQ_FIRST(&batch->waiting)) != NULL)
		if (start(batch, call, error) == -1)
			return (-1);
	return (0);
}

static int
cancel(struct batch *batch, const json_t *id, struct error *error)
{
	const struct error what = { EXIT_FAILED, "cancelled" };
	struct call *call;
	int result;

	TAILQ_FOREACH(call, &batch->running, entries)
		if (json_equal(call->id, id)) {
			call->cancelled = true;		/* answered when it ends */
			endpoint_end(&call->at->endpoint, io_now());
			return (0);
		}
	TAILQ_FOREACH(call, &batch->waiting, entries)
		if (json_equal(call->id, id)) {
			stop_waiting(batch, call);
			result = fail(batch, call, "CANCELLED", &what, error);
			free_call(call);
			return (result);
		}
	return (0);
}

/* Let the call of a line wait its turn; -1: *what is why not. */
static int
add(struct batch *batch, const struct batch_request *line, struct error *what)
{
	const struct method *method = line->method != NULL ?
	    method_by_name(line->method) : NULL;
	struct call *call;

	if (method == NULL || (method->kind != METHOD_UNARY &&
	    method->kind != METHOD_PING))
		return (error_set(what, EXIT_USAGE, "%s: not a method of a batch",
		    line->method != NULL ? line->method : "(none)"));
	call = calloc(1, sizeof(*call));
	if (call == NULL)
		return (error_errno(what, "call"));
	call->method = method;
	call->id = json_incref(line->id);
	call->request = line->request != NULL ? json_dumps(line->request,
	    JSON_COMPACT | JSON_ENCODE_ANY) : strdup("{}");
	if (call->request == NULL) {
		free_call(call);
		return (error_errno(what, "call"));
	}
	TAILQ_INSERT_TAIL(&batch->waiting, call, entries);
	batch->waiting_bytes += strlen(call->request) + WAITING_OVERHEAD;
	return (0);
}

static int
take_line(struct batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct batch_request line;
	struct error what;
	int result = 0;

	if (batch_request_parse(&line, text, length, &what) == -1 ||
	    (!line.cancel && add(batch, &line, &what) == -1))
		result = batch_write_error(&batch->answers, line.id, NULL, &what,
		    error);
	else if (line.cancel)
		result = cancel(batch, line.id, error);
	batch_request_free(&line);
	return (result);
}

static int
take_lines(struct batch *batch, struct error *error)
{
	const char *line;
	size_t length;

	while (batch->waiting_bytes < WAITING_PAUSE &&
	    (line = lines_next(&batch->lines, &length)) != NULL)
		if (length > 0 && take_line(batch, line, length, error) == -1)
			return (-1);
	return (0);
}

/* It has ended. */
static int
conclude(struct batch *batch, struct call *call, struct error *error)
{
	struct endpoint *endpoint = &call->at->endpoint;
	struct error what, unwritten;
	const char *line = NULL;
	size_t length = 0;
	int result;

	io_write_all(STDERR_FILENO, endpoint->text, endpoint->text_length,
	    io_now() + 1000, &unwritten);
	if (call->cancelled)
		error_set(&what, EXIT_FAILED, "cancelled");
	else
		line = endpoint_call_answer(call->at, &length, &what);
	result = line != NULL ?
	    batch_write_response(&batch->answers, call->id, line, length, error) :
	    fail(batch, call, call->cancelled ? "CANCELLED" : NULL, &what, error);
	TAILQ_REMOVE(&batch->running, call, entries);
	batch->running_count--;
	free_call(call);
	return (result);
}

static int
write_answers(struct batch *batch, struct error *error)
{
	ssize_t put;

	while (buffer_length(&batch->answers) > 0) {
		put = io_write(STDOUT_FILENO, buffer_front(&batch->answers),
		    buffer_length(&batch->answers));
		if (put == -1 && errno == EAGAIN)
			return (0);
		if (put == -1)
			return (error_errno(error, "standard output"));
		buffer_consume(&batch->answers, (size_t)put);
	}
	return (0);
}

static int
turn(struct batch *batch, struct error *error)
{
	static struct pollfd entries[2 + ENDPOINT_BATCH_CALLS * ENDPOINT_CALL_ENTRIES];
	struct call *call, *next;
	int64_t until = IO_FOREVER, now;
	size_t count = 2;
	int result = 0;

	entries[0] = (struct pollfd){ .events = POLLIN, .fd = batch->lines.ended ||
	    lines_waiting(&batch->lines) ? -1 : STDIN_FILENO };
	entries[1] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&batch->answers) > 0 ? STDOUT_FILENO : -1 };
	TAILQ_FOREACH(call, &batch->running, entries) {
		call->poll = entries + count;
		endpoint_call_poll(call->at, call->poll);
		count += ENDPOINT_CALL_ENTRIES;
		until = io_earlier(until, call->at->endpoint.kill_at);
	}
	io_poll(entries, count, until);
	signals_take(SIGCHLD);
	now = io_now();
	TAILQ_FOREACH_SAFE(call, &batch->running, entries, next) {
		endpoint_call_handle(call->at, call->poll, now);
		if (call->at->endpoint.ended && result == 0)
			result = conclude(batch, call, error);
	}
	if (result == 0 && entries[0].revents != 0 &&
	    (result = lines_read(&batch->lines, STDIN_FILENO, error)) == -1)
		error_prefix(error, "standard input");
	return (result);
}

static bool
is_done(struct batch *batch)
{
	return (lines_done(&batch->lines) && TAILQ_EMPTY(&batch->waiting) &&
	    TAILQ_EMPTY(&batch->running) && buffer_length(&batch->answers) == 0);
}

static void
end_all(struct batch *batch)
{
	struct call *call;

	/* All at once, before each of them is waited for. */
	TAILQ_FOREACH(call, &batch->running, entries)
		endpoint_end(&call->at->endpoint, io_now());
	TAILQ_CONCAT(&batch->running, &batch->waiting, entries);
	while ((call = TAILQ_FIRST(&batch->running)) != NULL) {
		TAILQ_REMOVE(&batch->running, call, entries);
		free_call(call);
	}
}

int
endpoint_batch(int (*run)(int argc, char *argv[]), int argc, char *argv[])
{
	struct batch batch = { .run = run, .argc = argc, .argv = argv,
	    .lines = LINES_EMPTY(REQUEST_LINE_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	const bool unblocked = io_unblock(STDOUT_FILENO);
	struct error error = { .code = EXIT_DONE };
	int result = 0;

	TAILQ_INIT(&batch.waiting);
	TAILQ_INIT(&batch.running);
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	while (result == 0 && !is_done(&batch)) {
		if ((result = take_lines(&batch, &error)) == 0 &&
		    (result = start_calls(&batch, &error)) == 0 &&
		    (result = write_answers(&batch, &error)) == 0 &&
		    !is_done(&batch))
			result = turn(&batch, &error);
		if (signals_take(SIGTERM))
			result = error_set(&error, EXIT_SIGNAL + SIGTERM, "terminated");
	}
	end_all(&batch);
	if (unblocked)
		io_set_nonblocking(STDOUT_FILENO, false);
	lines_free(&batch.lines);
	buffer_free(&batch.answers);
	if (result == -1)
		diag("%s", error.text);
	return (error.code);
}
