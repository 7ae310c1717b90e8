#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "dataconn/dataconn_server.h"
#include "endpoint/endpoint.h"
#include "endpoint/outcome.h"
#include "message/pbjson.h"
#include "message/request_check.h"

struct run {
	struct dataconn *conn;
	const struct dataconn_server *server;
	struct error *error;
	const struct method *method;
	struct endpoint endpoint;
	bool started;		/* the endpoint runs, or has run */
	struct buffer request;	/* the request line, as far as unwritten */
	struct buffer answer;	/* its standard output up to the stream */
	bool too_long;		/* there is more of it than there may be */
	int verdict;		/* Receive: our end of its ZR_VERDICT */
	bool stream_over;	/* Receive: End, or the sender's failure, came */
	bool responded;		/* the response, of either kind, is queued */
	bool concluded;		/* its exit status has been acted on */
	bool gone;		/* nothing can be heard from the client any more */
	bool failed;		/* *error is set */
	bool done;
	uint64_t moved;		/* for timeout_ms: the last count, and */
	int64_t moved_at;	/* since when it has not changed */
};

static void
fail(struct run *run, enum exit_code code, const char *text)
{
	if (!run->failed)
		error_set(run->error, code, "%s", text);
	run->failed = true;
}

/* The handler's error is the answer, unless there was one or nobody listens. */
static void
refuse(struct run *run, enum exit_code code, const char *text)
{
	struct error unsent;

	fail(run, code, text);
	if (!run->responded && !run->conn->shutdown_seen)
		dataconn_refuse(run->conn, text, &unsent);
	run->responded = true;
}

/* The endpoint has to go: the client has gone, or its stream failed. */
static void
end_endpoint(struct run *run)
{
	run->conn->sink = run->conn->source = -1;
	if (run->started && !run->concluded)
		endpoint_end(&run->endpoint, io_now());
	else
		run->done = true;
	/* What it still writes nobody reads, or it could keep us busy. */
	io_close(&run->endpoint.process.output);
	io_close(&run->verdict);
}

/* --- the request --- */

static int
start_endpoint(struct run *run, struct error *error)
{
	char number[16];
	int ends[2] = { -1, -1 }, result;

	if (run->method->kind == METHOD_RECEIVE) {
		if (pipe2(ends, O_CLOEXEC) == -1)
			return (error_errno(error, "pipe"));
		snprintf(number, sizeof(number), "%d", ends[0]);
		setenv("ZR_VERDICT", number, 1);
		io_set_cloexec(ends[0], false);
	}
	result = endpoint_start(&run->endpoint, run->server->endpoint,
	    run->method->name, error);
	io_close(&ends[0]);
	run->verdict = ends[1];
	if (run->method->kind == METHOD_RECEIVE)
		run->conn->sink = DATACONN_SINK_LATER;
	run->started = result == 0;
	run->answer = BUFFER_EMPTY(run->method->kind == METHOD_SEND ?
	    METHOD_SEND_ANSWER_MAX : METHOD_ANSWER_MAX);
	run->moved_at = io_now();
	return (result);
}

/* From the client's message to the line that the endpoint reads. */
static int
make_request_line(struct run *run, struct error *error)
{
	const struct buffer *message = &run->conn->exchange.message;
	char *line;
	size_t length;
	int result = 0;

	line = pbjson_from_wire(run->method->request, request_check,
	    buffer_front(message), buffer_length(message), &length, error);
	if (line == NULL)
		return (error_prefix(error, "request"));
	line[length++] = '\n';
	run->request = BUFFER_EMPTY(length);
	if (buffer_append(&run->request, line, length) == -1)
		result = error_errno(error, "request");
	free(line);
	return (result);
}

static void
on_request(struct run *run)
{
	const struct buffer *path = &run->conn->exchange.header;
	struct error error;

	run->method = method_by_path((const char *)buffer_front(path),
	    buffer_length(path));
	if (run->method == NULL)
		refuse(run, EXIT_FAILED, "requested endpoint does not exist");
	else if (make_request_line(run, &error) == -1)
		refuse(run, EXIT_FAILED, error.text);
	else if (start_endpoint(run, &error) == -1)
		refuse(run, error.code, error.text);
	buffer_free(&run->conn->exchange.message);
	if (run->failed)
		run->done = true;
}

/* --- what the client says --- */

static void
on_client_gone(struct run *run, const struct error *why)
{
	run->gone = true;
	/* A stream that is whole is stored, whoever still waits for that. */
	if (run->started && run->stream_over && !run->failed)
		return;
	if (run->responded && run->method->kind != METHOD_SEND) {
		run->done = true;
		return;
	}
	fail(run, why->code, why->text);
	end_endpoint(run);
}

static void
on_stream_end(struct run *run, bool whole)
{
	char text[STREAM_ERROR_MAX + 32];

	run->stream_over = true;
	if (run->responded) {
		run->done = true;
		return;
	}
	if (whole) {
		/* Where it has gone already, its exit status is its answer. */
		if (run->verdict != -1 && io_write(run->verdict, "0\n", 2) == -1 &&
		    errno != EPIPE)
			diag_errno("the endpoint's verdict");
		io_close(&run->verdict);
		run->conn->sink = -1;
		if (buffer_length(&run->request) == 0)
			io_close(&run->endpoint.process.input);
		return;
	}
	snprintf(text, sizeof(text), "the sender failed: %s",
	    exchange_text(&run->conn->exchange));
	fail(run, EXIT_FAILED, text);
	end_endpoint(run);
}

static void
on_event(struct run *run, enum dataconn_event event, const struct error *what)
{
	static const struct error ended = { .code = EXIT_PROTOCOL, .text =
	    "the client ended the connection" };

	switch (event) {
	case DATACONN_REQUEST:
		on_request(run);
		break;
	case DATACONN_STREAM_END:
		on_stream_end(run, true);
		break;
	case DATACONN_STREAM_FAILED:
		on_stream_end(run, false);
		break;
	case DATACONN_SINK_FAILED:
		/* It reads no more; its exit status will say why. */
		io_close(&run->endpoint.process.input);
		break;
	case DATACONN_SOURCE_FAILED:
		fail(run, what->code, what->text);
		/* FALLTHROUGH */
	case DATACONN_SOURCE_END:
		io_close(&run->endpoint.process.output);
		break;
	case DATACONN_SHUTDOWN:
		on_client_gone(run, &ended);
		break;
	case DATACONN_LOST:
		on_client_gone(run, what);
		break;
	default:
		break;
	}
}

/* --- what the endpoint says --- */

/* Its answer line, as a response to the client; 0, or -1 having refused. */
static int
respond(struct run *run, const char *line, size_t length)
{
	struct error error;
	void *bytes;
	size_t size;
	int result = -1;

	bytes = pbjson_to_wire(run->method->response, NULL, line, length, &size,
	    &error);
	if (bytes != NULL)
		result = dataconn_response(run->conn, bytes, size, &error);
	free(bytes);
	if (result == 0)
		run->responded = true;
	else {
		error_prefix(&error, "the endpoint's answer");
		refuse(run, EXIT_FAILED, error.text);
	}
	return (result);
}

/* Send: the line is complete, what follows it is the stream. */
static void
begin_stream(struct run *run, size_t line_length)
{
	const char *line = (const char *)buffer_front(&run->answer);
	struct error error;

	if (respond(run, line, line_length) == -1) {
		end_endpoint(run);
		return;
	}
	if (dataconn_source(run->conn, run->endpoint.process.output,
	    line + line_length + 1, buffer_length(&run->answer) - line_length - 1,
	    &error) == -1) {
		fail(run, error.code, error.text);
		end_endpoint(run);
	}
	buffer_free(&run->answer);
}

static enum outcome
judge(const struct run *run, struct error *error)
{
	const struct outcome_facts facts = {
		.exit_code = run->endpoint.exit_code,
		.text = endpoint_text(&run->endpoint),
		.answer = (const char *)buffer_front(&run->answer),
		.length = buffer_length(&run->answer),
		.answer_max = run->answer.max,
		.too_long = run->too_long
	};

	return (outcome_of(&facts, error));
}

static void
read_output(struct run *run)
{
	struct process *process = &run->endpoint.process;
	const uint8_t *newline;
	uint8_t buffer[4096];
	struct error error;
	ssize_t got;

	while ((got = io_read(process->output, buffer, sizeof(buffer))) > 0) {
		run->moved++;
		if (buffer_append(&run->answer, buffer, (size_t)got) == -1) {
			run->too_long = true;
			judge(run, &error);
			refuse(run, error.code, error.text);
			end_endpoint(run);
			return;
		}
		if (run->method->kind != METHOD_SEND)
			continue;
		newline = memchr(buffer_front(&run->answer), '\n',
		    buffer_length(&run->answer));
		if (newline != NULL) {
			begin_stream(run, (size_t)(newline -
			    buffer_front(&run->answer)));
			return;
		}
	}
	if (got == 0 || errno != EAGAIN)
		io_close(&process->output);
}

static void
write_request(struct run *run)
{
	struct process *process = &run->endpoint.process;
	ssize_t put;

	put = io_write(process->input, buffer_front(&run->request),
	    buffer_length(&run->request));
	if (put == -1 && errno == EAGAIN)
		return;
	if (put == -1)		/* it may know without having read */
		put = (ssize_t)buffer_length(&run->request);
	buffer_consume(&run->request, (size_t)put);
	if (buffer_length(&run->request) > 0)
		return;
	/* What came of the stream has waited for that. */
	if (run->conn->sink == DATACONN_SINK_LATER)
		run->conn->sink = process->input;
	else
		io_close(&process->input);
}

/* Send, once answered: its exit status tells whether the stream was whole. */
static void
finish_stream(struct run *run, const char *text)
{
	struct error error;

	if (!run->gone && dataconn_source_finish(run->conn, text, &error) == -1)
		fail(run, error.code, error.text);
}

/*
 * The endpoint has ended and everything it wrote has been read: its exit
 * status is the last word.
 */
static void
conclude(struct run *run)
{
	struct endpoint *endpoint = &run->endpoint;
	const bool sent = run->method->kind == METHOD_SEND && run->responded;
	enum outcome outcome;
	struct error error;

	run->concluded = run->done = true;
	io_close(&endpoint->process.output);
	endpoint_log(endpoint);
	outcome = sent ? outcome_of_code(endpoint->exit_code) :
	    judge(run, &error);
	if (run->failed) {
		outcome = OUTCOME_FAILED;
		error = *run->error;
	} else if (endpoint->exit_code != EXIT_DONE) {
		/* Our log has its words already; the client needs them. */
		error_set(&error, EXIT_FAILED, "%s", endpoint_text(endpoint));
		error_set(run->error, EXIT_FAILED, "%s failed: %s ended with "
		    "status %d", run->method->name, run->server->endpoint[0],
		    endpoint->exit_code);
		run->failed = true;
	}
	if (sent)
		finish_stream(run, outcome == OUTCOME_ANSWERED ? NULL : error.text);
	else if (outcome != OUTCOME_ANSWERED)
		refuse(run, EXIT_FAILED, error.text);
	else if (respond(run, (const char *)buffer_front(&run->answer),
	    buffer_length(&run->answer) - 1) == 0 &&
	    run->method->kind == METHOD_RECEIVE && !run->stream_over && !run->gone) {
		/* It has enough: the rest of the stream is dropped. */
		run->conn->sink = -1;
		run->done = false;
	}
}

/* Can it stand still?  A child of it may keep a stream open after its end. */
static bool
endpoint_acts(const struct run *run)
{
	return (run->started && !run->endpoint.ending &&
	    (!run->endpoint.ended || run->conn->source != -1));
}

/* Does the endpoint, not the client, keep things from moving? */
static bool
endpoint_stands_still(struct run *run, int64_t now)
{
	const struct dataconn *conn = run->conn;
	const bool dropped = run->method->kind == METHOD_RECEIVE &&
	    conn->sink < 0;
	const uint64_t moved = buffer_length(&run->answer) +
	    (dropped ? 0 : conn->statistics.bytes - conn->pending_length);
	const bool waits_for_client =
	    (run->method->kind == METHOD_SEND && !dataconn_flushed(conn)) ||
	    (run->method->kind == METHOD_RECEIVE && !run->stream_over &&
	    conn->sink >= 0 && conn->pending_length == 0);

	if (moved != run->moved || waits_for_client) {
		run->moved = moved;
		run->moved_at = now;
	}
	return (run->server->timeout_ms != 0 && endpoint_acts(run) &&
	    now - run->moved_at >= run->server->timeout_ms);
}

static void
check_endpoint(struct run *run, int64_t now)
{
	struct endpoint *endpoint = &run->endpoint;
	char text[80];

	if (endpoint_stands_still(run, now)) {
		snprintf(text, sizeof(text), "the endpoint did nothing for %lld "
		    "seconds", (long long)(run->server->timeout_ms / 1000));
		fail(run, EXIT_TIMEOUT, text);
		end_endpoint(run);
	}
	if (endpoint->ended || (!signals_take(SIGCHLD) && now < endpoint->kill_at))
		return;
	endpoint_check(endpoint, now);
	if (!endpoint->ended)
		return;
	/* What it wrote before it ended is in the pipes. */
	endpoint_read_errors(endpoint);
	if (run->conn->source == -1 && endpoint->process.output != -1)
		read_output(run);
}

/* SIGTERM: a running transfer finishes, unless we are told twice. */
static void
check_signals(struct run *run)
{
	if (!dataconn_terminated(run->conn, run->started))
		return;
	fail(run, EXIT_SIGNAL + SIGTERM, "terminated");
	end_endpoint(run);
}

/* One sleep, and what the endpoint did meanwhile. */
static void
turn(struct run *run)
{
	struct process *process = &run->endpoint.process;
	struct progress *progress = run->server->progress;
	struct pollfd extra[3] = {
		{ .fd = process->errors, .events = POLLIN },
		{ .fd = run->conn->source == -1 ? process->output : -1,
		    .events = POLLIN },
		{ .fd = buffer_length(&run->request) > 0 ? process->input : -1,
		    .events = POLLOUT }
	};
	int64_t until;

	until = io_earlier(run->endpoint.kill_at, progress_deadline(progress));
	if (run->server->timeout_ms != 0 && endpoint_acts(run))
		until = io_earlier(until, run->moved_at + run->server->timeout_ms);
	dataconn_wait(run->conn, extra, 3, until);
	progress_tick(progress, run->conn->statistics.bytes, io_now());
	check_signals(run);
	if (extra[0].revents != 0)
		endpoint_read_errors(&run->endpoint);
	if (extra[1].revents != 0)
		read_output(run);
	if (extra[2].revents != 0)
		write_request(run);
}

/* Has the endpoint ended, or to be ended? */
static void
settle(struct run *run)
{
	if (!run->started || run->concluded)
		return;
	check_endpoint(run, io_now());
	/* A stream is over when its pipe says so, not when its writer ends. */
	if (run->endpoint.ended && run->conn->source == -1)
		conclude(run);
}

int
dataconn_server_run(struct dataconn *conn, const struct dataconn_server *server,
    struct error *error)
{
	struct run run = { .conn = conn, .server = server, .error = error,
	    .endpoint = ENDPOINT_NONE, .verdict = -1 };
	enum dataconn_event event;
	struct error what;

	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	while (!run.done) {
		while (!run.gone && !run.done &&
		    (event = dataconn_next(conn, &what)) != DATACONN_WAIT)
			on_event(&run, event, &what);
		if (!run.done)
			settle(&run);
		if (!run.done)
			turn(&run);
	}
	progress_end(server->progress, conn->statistics.bytes);
	dataconn_close(conn);
	endpoint_free(&run.endpoint);
	io_close(&run.verdict);
	buffer_free(&run.request);
	buffer_free(&run.answer);
	return (run.failed ? -1 : 0);
}
