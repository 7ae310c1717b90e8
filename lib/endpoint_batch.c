/*
 * The batch form of the endpoint interface, as a program of ours offers it.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "buffer.h"
#include "diag.h"
#include "endpoint.h"
#include "endpoint_program.h"
#include "io.h"
#include "pbjson.h"
#include "request.h"
#include "request_check.h"
#include "signals.h"

#define INPUT_CHUNK (64u << 10)

struct call {
	TAILQ_ENTRY(call) entries;
	json_t *id;
	const struct endpoint_method *method;
	ProtobufCMessage *request;
	struct endpoint endpoint;	/* the child, once started */
	bool started;
	bool cancelled;
	struct buffer answer;
};

TAILQ_HEAD(calls, call);

struct batch {
	const struct endpoint_program *program;
	struct calls calls;		/* the oldest first */
	size_t count, running;
	struct buffer lines;		/* read, and not yet looked at */
	bool ended;			/* standard input is at its end */
	int signal;			/* that told us to end; 0: none */
};

/* --- answers --- */

/* One line: {"id":ID,"KEY":VALUE}; the value is JSON text. */
static int
write_line(const json_t *id, const char *key, const char *value, size_t length,
    struct error *error)
{
	char *text = id == NULL ? strdup("null") :
	    json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY), *line = NULL;
	int result = -1, head;

	if (text == NULL || (head = asprintf(&line, "{\"id\":%s,\"%s\":", text,
	    key)) == -1)
		error_set(error, EXIT_SYSTEM, "answer: out of memory");
	else
		result = io_write_all(STDOUT_FILENO, line, (size_t)head,
		    IO_FOREVER, error);
	if (result == 0)
		result = io_write_all(STDOUT_FILENO, value, length, IO_FOREVER,
		    error);
	if (result == 0)
		result = io_write_all(STDOUT_FILENO, "}\n", 2, IO_FOREVER, error);
	free(text);
	free(line);
	return (result);
}

static int
write_error(const json_t *id, int code, const char *message, struct error *error)
{
	json_t *value = json_pack("{s:i,s:s}", "code", code, "message", message);
	char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
	int result;

	json_decref(value);
	if (text == NULL)
		return (error_set(error, EXIT_SYSTEM, "answer: out of memory"));
	result = write_line(id, "error", text, strlen(text), error);
	free(text);
	return (result);
}

static int
write_answer(struct call *call, struct error *error)
{
	const char *answer = (const char *)buffer_front(&call->answer);
	const size_t length = buffer_length(&call->answer);

	if (call->cancelled)
		return (write_error(call->id, EXIT_FAILED, "cancelled", error));
	if (call->endpoint.exit_code != EXIT_DONE)
		return (write_error(call->id, call->endpoint.exit_code,
		    endpoint_text(&call->endpoint), error));
	endpoint_log(&call->endpoint);
	if (length < 2 || answer[length - 1] != '\n')
		return (write_error(call->id, EXIT_SYSTEM,
		    "the answer is too long", error));
	return (write_line(call->id, "response", answer, length - 1, error));
}

/* --- calls --- */

static void
call_free(struct batch *batch, struct call *call)
{
	TAILQ_REMOVE(&batch->calls, call, entries);
	batch->count--;
	batch->running -= call->started;
	if (call->started)
		endpoint_free(&call->endpoint);
	if (call->request != NULL)
		protobuf_c_message_free_unpacked(call->request, NULL);
	json_decref(call->id);
	buffer_free(&call->answer);
	free(call);
}

/* In the child: as if it were the only call. */
static void
run_call(const struct batch *batch, const struct call *call, int output,
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
start(struct batch *batch, struct call *call, struct error *error)
{
	struct process *process = &call->endpoint.process;
	int output[2] = { -1, -1 }, errors[2] = { -1, -1 };

	call->endpoint = ENDPOINT_NONE;
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
	close(output[1]);
	close(errors[1]);
	call->started = true;
	batch->running++;
	return (0);
}

static void
cancel(struct batch *batch, const json_t *id)
{
	struct call *call;

	TAILQ_FOREACH(call, &batch->calls, entries)
		if (json_equal(call->id, id) && !call->cancelled) {
			call->cancelled = true;
			if (call->started)
				endpoint_end(&call->endpoint, io_now());
			return;
		}
}

/* --- lines --- */

/* The call that a line asks for, or why it asks for none. */
static int
read_call(const struct batch *batch, const json_t *line, struct call *call,
    struct error *error)
{
	const char *name = json_string_value(json_object_get(line, "method"));
	const struct method *method = name == NULL ? NULL : method_by_name(name);
	json_t *request = json_object_get(line, "request"), *empty = json_object();

	if (method != NULL)
		call->method = endpoint_program_find(batch->program, name);
	if (call->method == NULL || method->kind == METHOD_SEND ||
	    method->kind == METHOD_RECEIVE)
		error_set(error, EXIT_USAGE, "%s: not a method for a batch",
		    name == NULL ? "(none)" : name);
	else
		call->request = pbjson_from_json(method->request,
		    request == NULL ? empty : request, error);
	json_decref(empty);
	if (call->request == NULL)
		return (-1);
	if (request_check(call->request, error) == -1) {
		error_prefix(error, "request");
		error->code = EXIT_USAGE;
		return (-1);
	}
	return (0);
}

static int
take_line(struct batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct error why;
	json_t *line = pbjson_load(text, length, &why);
	json_t *id = json_object_get(line, "id");
	struct error what;
	struct call *call;
	int result = 0;

	if (!json_is_object(line) || id == NULL) {
		error_set(&what, EXIT_USAGE, "not a line of a batch: %s",
		    line == NULL ? why.text : "no id");
		result = write_error(id, what.code, what.text, error);
		goto out;
	}
	if (json_is_true(json_object_get(line, "cancel"))) {
		cancel(batch, id);
		goto out;
	}
	call = calloc(1, sizeof(*call));
	if (call == NULL) {
		result = error_errno(error, "call");
		goto out;
	}
	call->id = json_incref(id);
	call->answer = BUFFER_EMPTY(METHOD_ANSWER_MAX + 1);
	TAILQ_INSERT_TAIL(&batch->calls, call, entries);
	batch->count++;
	if (read_call(batch, line, call, &what) == -1) {
		result = write_error(id, what.code, what.text, error);
		call_free(batch, call);
	}
out:
	json_decref(line);
	return (result);
}

/* Take what standard input has, and every whole line of it. */
static int
read_lines(struct batch *batch, struct error *error)
{
	static char chunk[INPUT_CHUNK];
	const char *front, *newline;
	ssize_t got = io_read(STDIN_FILENO, chunk, sizeof(chunk));
	size_t length;

	if (got == -1)
		return (errno == EAGAIN ? 0 : error_errno(error, "standard input"));
	if (got == 0) {
		batch->ended = true;
		/* A last line without its newline is one all the same. */
		if (buffer_length(&batch->lines) > 0)
			got = 1, chunk[0] = '\n';
	}
	if (buffer_append(&batch->lines, chunk, (size_t)got) == -1)
		return (error_set(error, EXIT_USAGE,
		    "a line of more than %u bytes on standard input",
		    REQUEST_LINE_MAX));
	while ((length = buffer_length(&batch->lines)) > 0) {
		front = (const char *)buffer_front(&batch->lines);
		newline = memchr(front, '\n', length);
		if (newline == NULL)
			break;
		if (newline > front && take_line(batch, front,
		    (size_t)(newline - front), error) == -1)
			return (-1);
		buffer_consume(&batch->lines, (size_t)(newline - front) + 1);
	}
	return (0);
}

/* --- the loop --- */

static void
read_answer(struct call *call)
{
	char chunk[16384];
	ssize_t got;

	if (call->endpoint.process.output == -1)
		return;
	while ((got = io_read(call->endpoint.process.output, chunk,
	    sizeof(chunk))) > 0)
		if (buffer_append(&call->answer, chunk, (size_t)got) == -1)
			break;
	if (got != -1 || errno != EAGAIN)
		io_close(&call->endpoint.process.output);
}

/* Start, read and finish what can be; a call that is over leaves the list. */
static int
attend(struct batch *batch, struct error *error)
{
	struct call *call, *next;
	struct error what;

	for (call = TAILQ_FIRST(&batch->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (!call->started && !call->cancelled &&
		    batch->running < ENDPOINT_BATCH_AT_ONCE &&
		    start(batch, call, &what) == -1) {
			if (write_error(call->id, what.code, what.text, error) == -1)
				return (-1);
			call_free(batch, call);
			continue;
		}
		if (call->started) {
			endpoint_check(&call->endpoint, io_now());
			read_answer(call);
			endpoint_read_errors(&call->endpoint);
		}
		if (call->started ? call->endpoint.ended : call->cancelled) {
			if (write_answer(call, error) == -1)
				return (-1);
			call_free(batch, call);
		}
	}
	return (0);
}

static void
take_signals(struct batch *batch)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct call *call;

	signals_take(SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals_take(signals[i]))
			batch->signal = signals[i];
	if (batch->signal == 0)
		return;
	batch->ended = true;
	TAILQ_FOREACH(call, &batch->calls, entries) {
		call->cancelled = true;
		if (call->started)
			endpoint_end(&call->endpoint, io_now());
	}
}

static int
turn(struct batch *batch, struct error *error)
{
	struct pollfd entries[1 + 2 * ENDPOINT_BATCH_AT_ONCE];
	int64_t deadline = IO_FOREVER;
	struct call *call;
	size_t count = 1;

	entries[0] = (struct pollfd){ .fd = batch->ended ||
	    batch->count >= ENDPOINT_BATCH_WAITING ? -1 : STDIN_FILENO,
	    .events = POLLIN };
	TAILQ_FOREACH(call, &batch->calls, entries) {
		if (!call->started)
			continue;
		entries[count++] = (struct pollfd){ .events = POLLIN,
		    .fd = call->endpoint.process.output };
		entries[count++] = (struct pollfd){ .events = POLLIN,
		    .fd = call->endpoint.process.errors };
		deadline = io_earlier(deadline, call->endpoint.kill_at);
	}
	if (io_poll(entries, count, deadline) == -1)
		return (error_errno(error, "poll"));
	take_signals(batch);
	if (!batch->ended && entries[0].revents != 0 &&
	    read_lines(batch, error) == -1)
		return (-1);
	return (attend(batch, error));
}

int
endpoint_batch(const struct endpoint_program *program, struct error *error)
{
	struct batch batch = { .program = program,
	    .lines = BUFFER_EMPTY(REQUEST_LINE_MAX + INPUT_CHUNK) };
	int result = 0;

	TAILQ_INIT(&batch.calls);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGINT);
	signals_catch(SIGHUP);
	while (result == 0 && (!batch.ended || batch.count > 0))
		result = turn(&batch, error);
	while (!TAILQ_EMPTY(&batch.calls))
		call_free(&batch, TAILQ_FIRST(&batch.calls));
	buffer_free(&batch.lines);
	if (result == 0 && batch.signal != 0)
		result = error_set(error, EXIT_SIGNAL + batch.signal,
		    "ended by signal %d (%s)", batch.signal,
		    strsignal(batch.signal));
	return (result);
}
