#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/signals.h"
#include "dataconn/server_run.h"
#include "endpoint/side_pipe.h"
#include "endpoint/verdict.h"
#include "message/pbjson.h"
#include "message/request_check.h"

/* --- the request --- */

static int
start_endpoint(struct server_run *run, const char *request, size_t length,
    struct error *error)
{
	const bool receives = run->method->kind == METHOD_RECEIVE;
	int result;

	run->call = CALL_NONE(run->method->kind);
	if (receives && (run->verdict = verdict_offer(error)) == -1)
		return (-1);
	result = call_start(&run->call, run->server->endpoint,
	    run->method->name, request, length, error);
	side_pipes_close();
	if (result == -1)
		return (-1);
	if (receives)
		dataconn_sink_later(run->conn);
	run->phase = receives ? STREAMING : RUNNING;
	run->moved_at = io_now();
	return (0);
}

/* The client's message is the line that the endpoint reads. */
static void
on_request(struct server_run *run)
{
	const struct buffer *path = dataconn_path(run->conn);
	struct buffer *message = dataconn_message(run->conn);
	char *line = NULL;
	size_t length;
	struct error error;

	run->method = method_by_path((const char *)buffer_front(path),
	    buffer_length(path));
	if (run->method == NULL)
		server_run_refuse(run, EXIT_FAILED,
		    "requested endpoint does not exist");
	else if ((line = pbjson_from_wire(run->method->request, request_check,
	    buffer_front(message), buffer_length(message), &length,
	    &error)) == NULL) {
		error_prefix(&error, "request");
		server_run_refuse(run, EXIT_FAILED, error.text);
	} else if (start_endpoint(run, line, length, &error) == -1)
		server_run_refuse(run, error.code, error.text);
	free(line);
	buffer_free(message);
	if (run->failed)
		run->phase = DONE;
}

/* --- what the client says --- */

static void
on_client_gone(struct server_run *run, const struct error *why)
{
	run->gone = true;
	/* A whole stream is stored even if the client no longer waits for that. */
	if (server_run_stored(run) && !run->failed)
		return;
	if (run->responded && run->method->kind != METHOD_SEND) {
		run->phase = DONE;
		return;
	}
	server_run_fail(run, why->code, why->text);
	server_run_end(run);
}

static void
on_stream_end(struct server_run *run, bool whole)
{
	char text[STREAM_ERROR_MAX + 32];

	if (run->responded) {
		run->phase = DONE;
		return;
	}
	if (whole) {
		run->phase = RUNNING;
		verdict_give(&run->verdict, NULL);
		dataconn_sink(run->conn, -1);
		if (buffer_length(&run->call.request) == 0)
			io_close(&run->call.endpoint.process.input);
		return;
	}
	snprintf(text, sizeof(text), "the sender failed: %s",
	    dataconn_text(run->conn));
	server_run_fail(run, EXIT_FAILED, text);
	server_run_end(run);
}

static void
on_event(struct server_run *run, enum dataconn_event event,
    const struct error *what)
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
		server_run_fail(run, what->code, what->text);
		/* FALLTHROUGH */
	case DATACONN_SOURCE_END:
		io_close(&run->call.endpoint.process.output);
		break;
	case DATACONN_SHUTDOWN:
		on_client_gone(run, &ended);
		break;
	case DATACONN_LOST:
		if (dataconn_left_unused(run->conn))
			run->phase = DONE;
		else
			on_client_gone(run, what);
		break;
	default:
		break;
	}
}

/* --- what the endpoint does --- */

/* Receive: the stream has waited until the request was written. */
static void
see_request(struct server_run *run)
{
	struct process *process = &run->call.endpoint.process;

	if (run->call.kind != METHOD_RECEIVE || process->input == -1 ||
	    buffer_length(&run->call.request) > 0)
		return;
	if (run->phase == STREAMING)
		dataconn_sink(run->conn, process->input);
	else
		io_close(&process->input);
}

/*
 * Can the endpoint stand still?  Its child may keep a stream open after the endpoint has
 * ended.
 */
static bool
endpoint_acts(const struct server_run *run)
{
	return (server_run_active(run) && !run->call.endpoint.ending &&
	    (!run->call.endpoint.ended || dataconn_has_source(run->conn)));
}

/* Does the endpoint, not the client, keep things from moving? */
static bool
endpoint_stands_still(struct server_run *run, int64_t now)
{
	const uint64_t moved = buffer_length(&run->call.answer) +
	    dataconn_moved(run->conn);

	if (moved != run->moved || dataconn_waits_for_peer(run->conn)) {
		run->moved = moved;
		run->moved_at = now;
	}
	return (run->server->timeout_ms != 0 && endpoint_acts(run) &&
	    now - run->moved_at >= run->server->timeout_ms);
}

static void
check_endpoint(struct server_run *run, int64_t now)
{
	struct endpoint *endpoint = &run->call.endpoint;
	char text[80];

	if (endpoint_stands_still(run, now)) {
		snprintf(text, sizeof(text), "the endpoint did nothing for %lld "
		    "seconds", (long long)(run->server->timeout_ms / 1000));
		server_run_fail(run, EXIT_TIMEOUT, text);
		server_run_end(run);
	}
	if (endpoint->ended || (!signals_take(SIGCHLD) && now < endpoint->kill_at))
		return;
	call_check(&run->call, now);
	server_run_answer(run);
}

/*
 * SIGINT ends the running endpoint now.  SIGTERM lets it finish, and takes effect once
 * nothing runs.
 */
static void
check_signals(struct server_run *run)
{
	if (run->phase == DONE)
		return;
	if (signals_take(SIGINT)) {
		server_run_fail(run, EXIT_SIGNAL + SIGINT, "interrupted");
		server_run_end(run);
	} else if (!server_run_active(run) && signals_take(SIGTERM)) {
		if (run->phase == AWAIT_REQUEST)
			server_run_fail(run, EXIT_SIGNAL + SIGTERM, "terminated");
		run->phase = DONE;
	}
}

/* Sleep once, then deal with the endpoint's output and end. */
static void
turn(struct server_run *run)
{
	struct progress *progress = run->server->progress;
	const bool unwritten = buffer_length(&run->call.request) > 0;
	struct pollfd entries[CALL_ENTRIES];
	int64_t until;

	call_poll(&run->call, entries);
	until = io_earlier(run->call.endpoint.kill_at, progress_deadline(progress));
	if (run->server->timeout_ms != 0 && endpoint_acts(run))
		until = io_earlier(until, run->moved_at + run->server->timeout_ms);
	dataconn_wait(run->conn, entries, CALL_ENTRIES, until);
	progress_tick(progress, dataconn_bytes(run->conn), io_now());
	call_move(&run->call, entries, io_now());
	server_run_answer(run);
	if (unwritten)
		see_request(run);
}

/* Has the endpoint ended, or must it be ended? */
static void
settle(struct server_run *run)
{
	if (!server_run_active(run))
		return;
	check_endpoint(run, io_now());
	/* A stream is over at the end of file of its pipe, not at its writer's end. */
	if (run->call.endpoint.ended && !dataconn_has_source(run->conn))
		server_run_conclude(run);
}

int
dataconn_server_run(struct dataconn *conn, const struct dataconn_server *server,
    struct error *error)
{
	struct server_run run = { .conn = conn, .server = server, .error = error,
	    .call = CALL_NONE(METHOD_UNARY), .verdict = -1 };
	enum dataconn_event event;
	struct error what;

	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGINT);
	while (run.phase != DONE) {
		while (!run.gone && run.phase != DONE &&
		    (event = dataconn_next(conn, &what)) != DATACONN_WAIT)
			on_event(&run, event, &what);
		settle(&run);
		check_signals(&run);
		if (run.phase != DONE)
			turn(&run);
	}
	progress_end(server->progress, dataconn_bytes(conn));
	dataconn_close(conn);
	call_free(&run.call);
	io_close(&run.verdict);
	side_pipes_release();
	return (run.failed ? -1 : 0);
}
