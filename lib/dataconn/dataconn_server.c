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
#include "endpoint/call.h"
#include "message/pbjson.h"
#include "message/request_check.h"

struct run {
	struct dataconn *conn;
	const struct dataconn_server *server;
	struct error *error;
	const struct method *method;
	struct call call;
	bool started;		/* the endpoint runs, or has run */
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
		endpoint_end(&run->call.endpoint, io_now());
	else
		run->done = true;
	/* What it still writes nobody reads, or it could keep us busy. */
	io_close(&run->call.endpoint.process.output);
	io_close(&run->verdict);
}

/* --- the request --- */

static int
start_endpoint(struct run *run, const char *request, size_t length,
    struct error *error)
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
	run->call = CALL_NONE(run->method->kind);
	result = call_start(&run->call, run->server->endpoint,
	    run->method->name, request, length, error);
	io_close(&ends[0]);
	run->verdict = ends[1];
	if (run->method->kind == METHOD_RECEIVE)
		run->conn->sink = DATACONN_SINK_LATER;
	run->started = result == 0;
	run->moved_at = io_now();
	return (result);
}

/* The client's message is the line that the endpoint reads. */
static void
on_request(struct run *run)
{
	const struct buffer *path = &run->conn->exchange.header;
	const struct buffer *message = &run->conn->exchange.message;
	char *line = NULL;
	size_t length;
	struct error error;

	run->method = method_by_path((const char *)buffer_front(path),
	    buffer_length(path));
	if (run->method == NULL)
		refuse(run, EXIT_FAILED, "requested endpoint does not exist");
	else if ((line = pbjson_from_wire(run->method->request, request_check,
	    buffer_front(message), buffer_length(message), &length,
	    &error)) == NULL) {
		error_prefix(&error, "request");
		refuse(run, EXIT_FAILED, error.text);
	} else if (start_endpoint(run, line, length, &error) == -1)
		refuse(run, error.code, error.text);
	free(line);
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
		if (buffer_length(&run->call.request) == 0)
			io_close(&run->call.endpoint.process.input);
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
		io_close(&run->call.endpoint.process.input);
		break;
	case DATACONN_SOURCE_FAILED:
		fail(run, what->code, what->text);
		/* FALLTHROUGH */
	case DATACONN_SOURCE_END:
		io_close(&run->call.endpoint.process.output);
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

/* Send: the line is in, and what follows it is the stream. */
static void
begin_stream(struct run *run)
{
	size_t length, stream_length;
	const char *line, *stream;
	struct error error;

	line = call_line(&run->call, &length, &stream, &stream_length);
	if (respond(run, line, length) == -1) {
		end_endpoint(run);
		return;
	}
	if (dataconn_source(run->conn, run->call.endpoint.process.output, stream,
	    stream_length, &error) == -1) {
		fail(run, error.code, error.text);
		end_endpoint(run);
	}
	buffer_free(&run->call.answer);
}

/* What has come of its answer. */
static void
see_answer(struct run *run)
{
	struct error error;
	const char *line;
	size_t length;

	if (run->call.too_long && !run->failed) {
		call_outcome(&run->call, &line, &length, &error);
		refuse(run, error.code, error.text);
		end_endpoint(run);
	} else if (run->call.line_size > 0 && !run->responded)
		begin_stream(run);
}

/* Receive: what came of the stream has waited until the request was written. */
static void
see_request(struct run *run)
{
	struct process *process = &run->call.endpoint.process;

	if (run->call.kind != METHOD_RECEIVE || process->input == -1 ||
	    buffer_length(&run->call.request) > 0)
		return;
	if (run->conn->sink == DATACONN_SINK_LATER)
		run->conn->sink = process->input;
	else if (run->conn->sink == -1)
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
	struct endpoint *endpoint = &run->call.endpoint;
	const bool sent = run->method->kind == METHOD_SEND && run->responded;
	enum outcome outcome;
	struct error error;
	const char *line;
	size_t length;

	run->concluded = run->done = true;
	io_close(&endpoint->process.output);
	endpoint_log(endpoint);
	outcome = call_outcome(&run->call, &line, &length, &error);
	if (run->failed) {
		outcome = OUTCOME_FAILED;
		error = *run->error;
	} else if (endpoint->exit_code != EXIT_DONE) {
		/* Our log has its words already; the client needs them. */
		error_set(run->error, EXIT_FAILED, "%s failed: %s ended with "
		    "status %d", run->method->name, run->server->endpoint[0],
		    endpoint->exit_code);
		run->failed = true;
	}
	if (sent)
		finish_stream(run, outcome == OUTCOME_ANSWERED ? NULL : error.text);
	else if (outcome != OUTCOME_ANSWERED)
		refuse(run, EXIT_FAILED, error.text);
	else if (respond(run, line, length) == 0 &&
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
	return (run->started && !run->call.endpoint.ending &&
	    (!run->call.endpoint.ended || run->conn->source != -1));
}

/* Does the endpoint, not the client, keep things from moving? */
static bool
endpoint_stands_still(struct run *run, int64_t now)
{
	const struct dataconn *conn = run->conn;
	const bool dropped = run->method->kind == METHOD_RECEIVE &&
	    conn->sink < 0;
	const uint64_t moved = buffer_length(&run->call.answer) +
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
	struct endpoint *endpoint = &run->call.endpoint;
	char text[80];

	if (endpoint_stands_still(run, now)) {
		snprintf(text, sizeof(text), "the endpoint did nothing for %lld "
		    "seconds", (long long)(run->server->timeout_ms / 1000));
		fail(run, EXIT_TIMEOUT, text);
		end_endpoint(run);
	}
	if (endpoint->ended || (!signals_take(SIGCHLD) && now < endpoint->kill_at))
		return;
	call_check(&run->call, now);
	see_answer(run);
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
	struct progress *progress = run->server->progress;
	struct pollfd entries[CALL_ENTRIES];
	int64_t until;

	call_poll(&run->call, entries);
	until = io_earlier(run->call.endpoint.kill_at, progress_deadline(progress));
	if (run->server->timeout_ms != 0 && endpoint_acts(run))
		until = io_earlier(until, run->moved_at + run->server->timeout_ms);
	dataconn_wait(run->conn, entries, CALL_ENTRIES, until);
	progress_tick(progress, run->conn->statistics.bytes, io_now());
	check_signals(run);
	call_move(&run->call, entries, io_now());
	see_answer(run);
	see_request(run);
}

/* Has the endpoint ended, or to be ended? */
static void
settle(struct run *run)
{
	if (!run->started || run->concluded)
		return;
	check_endpoint(run, io_now());
	/* A stream is over when its pipe says so, not when its writer ends. */
	if (run->call.endpoint.ended && run->conn->source == -1)
		conclude(run);
}

int
dataconn_server_run(struct dataconn *conn, const struct dataconn_server *server,
    struct error *error)
{
	struct run run = { .conn = conn, .server = server, .error = error,
	    .call = CALL_NONE(METHOD_UNARY), .verdict = -1 };
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
	call_free(&run.call);
	io_close(&run.verdict);
	return (run.failed ? -1 : 0);
}
