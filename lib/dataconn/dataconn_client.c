#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dataconn/dataconn_client.h"
#include "message/pbjson.h"

#define LEAVE_MS 4000	/* for the peer to hear that a stream is given up */

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
	int64_t leave_at;	/* ms: leave without a farewell then; IO_FOREVER: stay */
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

/* The producer cannot be read: no verdict makes this stream whole. */
static void
on_source_failed(struct run *run)
{
	struct error unsent;

	dataconn_source_finish(run->conn, run->error->text, &unsent);
	run->source = SOURCE_FINISHED;
	run->failed = true;
}

/*
 * Finish the stream once the producer has ended it and its verdict, if it gives one, is
 * in.  A stream that goes on although nobody is left to give a verdict has failed.
 */
static void
judge_source(struct run *run)
{
	struct verdict *verdict = run->client->verdict;
	const char *failure = NULL;

	if (run->source == SOURCE_OPEN) {
		if (verdict_check(verdict, run->error) == 0)
			return;
		dataconn_drop_streams(run->conn);
	} else if (run->source == SOURCE_FINISHED || verdict->fd != -1)
		return;
	if (verdict->state == VERDICT_INCOMPLETE)
		failure = verdict->text;
	if (dataconn_source_finish(run->conn, failure, run->error) == -1)
		fail(run);
	else if (failure != NULL) {
		/* Tell the peer.  It will fail then, too, which needs no report. */
		error_set(run->error, EXIT_FAILED, "the sender failed: %s", failure);
		run->failed = true;
	}
	if (verdict->abandoned)
		run->leave_at = io_now() + LEAVE_MS;
	run->source = SOURCE_FINISHED;
}

/* The answer came before the producer's end: let the producer finish all the same. */
static void
discard_source(struct run *run)
{
	struct verdict *verdict = run->client->verdict;
	struct pollfd entries[2] = { { .fd = run->client->stream, .events = POLLIN },
	    { .events = POLLIN } };
	char buffer[65536];
	struct error ignored;

	if (run->client->method->kind != METHOD_RECEIVE ||
	    run->source != SOURCE_OPEN)
		return;
	do {
		entries[1].fd = verdict->fd;
		io_poll(entries, 2, verdict_deadline(verdict));
		if (entries[1].revents != 0)
			verdict_read(verdict);
	} while (verdict_check(verdict, &ignored) == 0 &&
	    (entries[0].revents == 0 || io_read(entries[0].fd, buffer,
	    sizeof(buffer)) > 0));
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

/* One sleep.  Once the stream is over it waits for the verdict alone. */
static void
turn(struct run *run)
{
	struct progress *progress = run->client->progress;
	struct verdict *verdict = run->client->verdict;
	const bool awaited = verdict != NULL && run->source != SOURCE_FINISHED;
	struct pollfd entry = { .fd = awaited ? verdict->fd : -1, .events = POLLIN };
	int64_t until = io_earlier(progress_deadline(progress), run->leave_at);

	if (awaited)
		until = io_earlier(until, verdict_deadline(verdict));
	dataconn_wait(run->conn, &entry, 1, until);
	progress_tick(progress, dataconn_bytes(run->conn), io_now());
	if (entry.revents != 0)
		verdict_read(verdict);
}

int
dataconn_client_run(struct dataconn *conn, const struct dataconn_client *client,
    struct error *error)
{
	struct run run = { .conn = conn, .client = client, .error = error,
	    .leave_at = IO_FOREVER };
	const enum method_kind kind = client->method->kind;
	enum dataconn_event event;
	struct error unused;

	if (send_request(&run) == -1)
		return (-1);
	if (kind == METHOD_RECEIVE &&
	    dataconn_source(conn, client->stream, error) == -1)
		return (-1);
	while (!run.done) {
		while (!run.done && (event = dataconn_next(conn,
		    run.failed ? &unused : error)) != DATACONN_WAIT)
			on_event(&run, event);
		if (kind == METHOD_RECEIVE && !run.done)
			judge_source(&run);
		if ((kind == METHOD_RECEIVE && run.answer != NULL &&
		    run.source == SOURCE_FINISHED) || io_now() >= run.leave_at)
			run.done = true;
		if (!run.done)
			turn(&run);
	}
	if (!run.failed && kind != METHOD_SEND)
		write_answer(&run);
	progress_end(client->progress, dataconn_bytes(conn));
	if (run.leave_at == IO_FOREVER)
		dataconn_close(conn);
	if (!run.failed)
		discard_source(&run);
	free(run.answer);
	return (run.failed ? -1 : 0);
}
