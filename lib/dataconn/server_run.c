#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "dataconn/server_run.h"
#include "message/pbjson.h"

bool
server_run_active(const struct server_run *run)
{
	return (run->phase == RUNNING || run->phase == STREAMING);
}

bool
server_run_stored(const struct server_run *run)
{
	return (run->phase == RUNNING && run->call.kind == METHOD_RECEIVE);
}

void
server_run_fail(struct server_run *run, enum exit_code code, const char *text)
{
	if (!run->failed)
		error_set(run->error, code, "%s", text);
	run->failed = true;
}

void
server_run_refuse(struct server_run *run, enum exit_code code, const char *text)
{
	struct error unsent;

	server_run_fail(run, code, text);
	if (!run->responded)
		dataconn_refuse(run->conn, text, &unsent);
	run->responded = true;
}

void
server_run_end(struct server_run *run)
{
	dataconn_drop_streams(run->conn);
	if (server_run_active(run))
		endpoint_end(&run->call.endpoint, io_now());
	else
		run->phase = DONE;
	/* Do not read the rest of its output, which could keep us busy. */
	io_close(&run->call.endpoint.process.output);
	io_close(&run->verdict);
}

/* Send its answer line as the response; 0, or -1 after refusing the request. */
static int
respond(struct server_run *run, const char *line, size_t length)
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
		server_run_refuse(run, EXIT_FAILED, error.text);
	}
	return (result);
}

/* Send: the line is in, and what follows it is the stream. */
static void
begin_stream(struct server_run *run)
{
	const char *line;
	size_t length;
	struct error error;

	line = call_line(&run->call, &length);
	if (respond(run, line, length) == -1) {
		server_run_end(run);
		return;
	}
	run->phase = STREAMING;
	if (dataconn_source(run->conn, run->call.endpoint.process.output,
	    &error) == -1) {
		server_run_fail(run, error.code, error.text);
		server_run_end(run);
	}
	buffer_free(&run->call.answer);
}

void
server_run_answer(struct server_run *run)
{
	struct error error;
	const char *line;
	size_t length;

	if (run->call.too_long && !run->failed) {
		call_outcome(&run->call, &line, &length, &error);
		server_run_refuse(run, error.code, error.text);
		server_run_end(run);
	} else if (run->call.line_size > 0 && !run->responded)
		begin_stream(run);
}

/* Send, after the answer: the exit status tells whether the stream was whole. */
static void
finish_stream(struct server_run *run, const char *text)
{
	struct error error;

	if (!run->gone && dataconn_source_finish(run->conn, text, &error) == -1)
		server_run_fail(run, error.code, error.text);
}

void
server_run_conclude(struct server_run *run)
{
	struct endpoint *endpoint = &run->call.endpoint;
	const bool sent = run->phase == STREAMING &&
	    run->call.kind == METHOD_SEND;
	const bool received = server_run_stored(run);
	enum outcome outcome;
	struct error error;
	const char *line;
	size_t length;

	run->phase = DONE;
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
		server_run_refuse(run, EXIT_FAILED, error.text);
	else if (respond(run, line, length) == 0 &&
	    run->call.kind == METHOD_RECEIVE && !received && !run->gone) {
		/* It has enough. */
		dataconn_sink(run->conn, -1);
		run->phase = DRAINING;
	}
}

