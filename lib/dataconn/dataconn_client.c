#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dataconn/dataconn_client.h"
#include "message/pbjson.h"

struct run {
	struct dataconn *conn;
	const struct dataconn_client *client;
	struct error *error;
	char *answer;		/* the answer line, newline included */
	size_t answer_length;
	enum {
		SOURCE_OPEN,
		SOURCE_ENDED,	/* the producer's end of file was seen */
		SOURCE_FINISHED	/* End or the error trailer is queued */
	} source;
	bool failed;		/* *error is set */
	bool done;
};

static void
fail(struct run *run)
{
	run->failed = run->done = true;
}

static int
send_request(struct run *run)
{
	void *bytes;
	size_t length;
	int result;

	bytes = pbjson_pack(run->client->request, &length, run->error);
	if (bytes == NULL)
		return (-1);
	result = dataconn_request(run->conn, run->client->method->path, bytes,
	    length, run->error);
	free(bytes);
	return (result);
}

static void
write_answer(struct run *run)
{
	if (io_write_all(run->client->answer, run->answer, run->answer_length,
	    IO_FOREVER, run->error) == -1) {
		error_prefix(run->error, "the answer");
		fail(run);
	}
}

/* The response message came: keep it as the answer line. */
static void
on_response(struct run *run)
{
	const struct buffer *message = dataconn_message(run->conn);

	run->answer = pbjson_from_wire(run->client->method->response, NULL,
	    buffer_front(message), buffer_length(message), &run->answer_length,
	    run->error);
	if (run->answer == NULL) {
		error_prefix(run->error, "the peer's response");
		fail(run);
		return;
	}
	run->answer[run->answer_length++] = '\n';
	if (run->client->method->kind == METHOD_SEND) {
		write_answer(run);
		dataconn_sink(run->conn, run->client->stream);
	} else if (run->client->method->kind == METHOD_PING)
		run->done = true;
}

/* Of a stream that cannot be read no verdict makes a whole one. */
static void
on_source_failed(struct run *run)
{
	struct error unsent;

	dataconn_source_finish(run->conn, run->error->text, &unsent);
	run->source = SOURCE_FINISHED;
	run->failed = true;
}

/*
 * The producer's stream is over; its verdict, where there will be one, says
 * whether that was all of it.
 */
static void
finish_source(struct run *run)
{
	struct verdict *verdict = run->client->verdict;
	const char *failure = NULL;

	if (verdict->fd != -1 && verdict_read(verdict) == VERDICT_PENDING)
		return;
	if (verdict->state == VERDICT_INCOMPLETE)
		failure = verdict->text;
	if (dataconn_source_finish(run->conn, failure, run->error) == -1)
		fail(run);
	else if (failure != NULL) {
		/* The peer is told; that it then fails too is no news. */
		error_set(run->error, EXIT_FAILED, "the sender failed: %s", failure);
		run->failed = true;
	}
	run->source = SOURCE_FINISHED;
}

/* An answer that came before the producer's end: let it finish all the same. */
static void
discard_source(struct run *run)
{
	char buffer[65536];
	const int fd = run->client->stream;
	struct error ignored;

	if (run->client->method->kind == METHOD_RECEIVE &&
	    run->source == SOURCE_OPEN)
		while (io_wait(fd, POLLIN, IO_FOREVER, &ignored) == 0 &&
		    io_read(fd, buffer, sizeof(buffer)) > 0)
			;
}

static void
on_event(struct run *run, enum dataconn_event event)
{
	switch (event) {
	case DATACONN_RESPONSE:
		on_response(run);
		break;
	case DATACONN_REFUSED:
		if (!run->failed)
			error_set(run->error, EXIT_FAILED, "%s",
			    dataconn_text(run->conn));
		fail(run);
		break;
	case DATACONN_STREAM_END:
		run->done = true;
		break;
	case DATACONN_STREAM_FAILED:
		error_set(run->error, EXIT_FAILED, "the sender failed: %s",
		    dataconn_text(run->conn));
		fail(run);
		break;
	case DATACONN_SINK_FAILED:
		fail(run);
		break;
	case DATACONN_SOURCE_END:
		run->source = SOURCE_ENDED;
		break;
	case DATACONN_SOURCE_FAILED:
		on_source_failed(run);
		break;
	case DATACONN_SHUTDOWN:
		if (run->failed || (run->answer != NULL &&
		    run->client->method->kind == METHOD_RECEIVE)) {
			run->done = true;
			break;
		}
		error_set(run->error, EXIT_PROTOCOL, run->answer != NULL ?
		    "the peer ended the connection without a whole stream" :
		    "the peer ended the connection without an answer");
		fail(run);
		break;
	case DATACONN_LOST:
		if (run->answer == NULL ||
		    run->client->method->kind != METHOD_RECEIVE)
			run->failed = true;
		run->done = true;
		break;
	default:
		break;
	}
}

int
dataconn_client_run(struct dataconn *conn, const struct dataconn_client *client,
    struct error *error)
{
	struct run run = { .conn = conn, .client = client, .error = error };
	const enum method_kind kind = client->method->kind;
	enum dataconn_event event;
	struct error unused;
	struct pollfd verdict;
	bool ask;

	if (send_request(&run) == -1)
		return (-1);
	if (kind == METHOD_RECEIVE &&
	    dataconn_source(conn, client->stream, error) == -1)
		return (-1);
	while (!run.done) {
		while (!run.done && (event = dataconn_next(conn,
		    run.failed ? &unused : error)) != DATACONN_WAIT)
			on_event(&run, event);
		if (kind == METHOD_RECEIVE && run.answer != NULL &&
		    run.source == SOURCE_FINISHED)
			run.done = true;
		if (run.done)
			break;
		/* After the last stream byte only the verdict is missing. */
		ask = run.source == SOURCE_ENDED;
		if (ask && client->verdict->fd == -1) {
			finish_source(&run);
			continue;
		}
		verdict = (struct pollfd){ .fd = ask ? client->verdict->fd : -1,
		    .events = POLLIN };
		dataconn_wait(conn, &verdict, 1,
		    progress_deadline(client->progress));
		progress_tick(client->progress, dataconn_bytes(conn), io_now());
		if (verdict.revents != 0)
			finish_source(&run);
	}
	if (!run.failed && kind != METHOD_SEND)
		write_answer(&run);
	progress_end(client->progress, dataconn_bytes(conn));
	dataconn_close(conn);
	if (!run.failed)
		discard_source(&run);
	free(run.answer);
	return (run.failed ? -1 : 0);
}
