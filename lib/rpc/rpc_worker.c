#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "endpoint/batch.h"
#include "rpc/rpc_translate.h"
#include "rpc/rpc_worker.h"

#define ANSWER_LINE_MAX (METHOD_ANSWER_MAX + 4096)
#define REQUESTS_MAX	((size_t)1 << 30) /* RPC_REQUESTS_MAX as JSON */

#define ID_OF(entry) ((struct json_slice){ (entry)->id, strlen((entry)->id) })

int
rpc_worker_start(struct rpc_worker *worker, char *const argv[],
    struct error *error)
{
	*worker = (struct rpc_worker){ .requests = BUFFER_EMPTY(REQUESTS_MAX),
	    .answers = LINES_EMPTY(ANSWER_LINE_MAX) };
	TAILQ_INIT(&worker->calls);
	if (endpoint_start(&worker->endpoint, argv, "batch", error) == -1)
		return (-1);
	worker->endpoint.show = "batch";
	return (0);
}

static void
forget(struct rpc_worker *worker, struct rpc_worker_call *entry)
{
	TAILQ_REMOVE(&worker->calls, entry, entries);
	worker->count--;
	free(entry);
}

int
rpc_worker_add(struct rpc_worker *worker, struct rpc_call *call,
    int64_t timeout_ms, struct error *error)
{
	struct rpc_worker_call *entry = calloc(1, sizeof(*entry));
	size_t length;
	char *text = NULL;
	int result;

	if (entry == NULL ||
	    (text = rpc_translate_request(call, &length, error)) == NULL) {
		if (entry == NULL)
			error_errno(error, "call");
		free(entry);
		return (-1);
	}
	snprintf(entry->id, sizeof(entry->id), "%llu", ++worker->last_id);
	entry->call = call;
	entry->deadline = call->deadline;
	if (timeout_ms > 0)
		entry->deadline = io_earlier(entry->deadline, io_now() + timeout_ms);
	result = batch_write_request(&worker->requests, &ID_OF(entry),
	    call->method->name, text, length, error);
	free(text);
	TAILQ_INSERT_TAIL(&worker->calls, entry, entries);
	worker->count++;
	if (result == -1)
		forget(worker, entry);
	return (result);
}

/* Nobody waits for this call any more, but the worker still has to answer it. */
static void
give_up(struct rpc_worker *worker, struct rpc_worker_call *entry, int64_t now)
{
	struct error error;

	entry->call = NULL;
	entry->deadline = now + ENDPOINT_TERM_MS;
	if (batch_write_cancel(&worker->requests, &ID_OF(entry), &error) == -1)
		rpc_worker_end(worker, now);
}

bool
rpc_worker_cancel(struct rpc_worker *worker, const struct rpc_call *call)
{
	struct rpc_worker_call *entry;

	TAILQ_FOREACH(entry, &worker->calls, entries)
		if (entry->call == call) {
			give_up(worker, entry, io_now());
			return (true);
		}
	return (false);
}

void
rpc_worker_poll(struct rpc_worker *worker,
    struct pollfd entries[RPC_WORKER_ENTRIES])
{
	const struct process *process = &worker->endpoint.process;

	entries[0] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
	entries[1] = (struct pollfd){ .fd = process->output, .events = POLLIN };
	entries[2] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&worker->requests) > 0 ? process->input : -1 };
}

int64_t
rpc_worker_deadline(const struct rpc_worker *worker)
{
	const struct rpc_worker_call *entry;
	int64_t next = worker->endpoint.kill_at;

	TAILQ_FOREACH(entry, &worker->calls, entries)
		next = io_earlier(next, entry->deadline);
	return (next);
}

static void
write_requests(struct rpc_worker *worker)
{
	struct process *process = &worker->endpoint.process;
	ssize_t put;

	put = io_write(process->input, buffer_front(&worker->requests),
	    buffer_length(&worker->requests));
	if (put > 0)
		buffer_consume(&worker->requests, (size_t)put);
	else if (put == -1 && errno != EAGAIN)
		io_close(&process->input);	/* its end will say why */
}

static enum grpc_status
status_of(const struct batch_answer *answer)
{
	return (answer->status[0] != '\0' ? grpc_status_by_name(answer->status) :
	    grpc_status_of_outcome(outcome_of_code((int)answer->code)));
}

/* One line from the worker; -1: it violates the interface. */
static int
take_answer(struct rpc_worker *worker, struct rpc_server *server,
    const char *text, size_t length, struct error *error)
{
	struct rpc_worker_call *entry;
	struct batch_answer answer;
	struct error what;
	int result = 0;

	if (batch_answer_parse(&answer, text, length, error) == -1)
		return (-1);
	TAILQ_FOREACH(entry, &worker->calls, entries)
		if (batch_same_id(&answer.id, &ID_OF(entry)))
			break;
	if (entry == NULL && !worker->endpoint.ending)
		result = error_set(error, EXIT_PROTOCOL,
		    "an answer to a question that was not asked");
	else if (entry != NULL && entry->call != NULL && answer.response.length == 0)
		rpc_server_refuse(server, entry->call, status_of(&answer),
		    answer.message);
	else if (entry != NULL && entry->call != NULL && rpc_translate_answer(
	    server, entry->call, answer.response.text, answer.response.length,
	    &what) == -1) {
		diag("%s: %s", entry->call->method->name, what.text);
		rpc_server_refuse(server, entry->call, GRPC_UNKNOWN, what.text);
	}
	if (entry != NULL)
		forget(worker, entry);
	/* Words before an answer do not explain an end that comes later. */
	worker->endpoint.text_length = 0;
	return (result);
}

/* It has closed its standard output, so it must end. */
static void
silence(struct rpc_worker *worker, int64_t now)
{
	struct endpoint *endpoint = &worker->endpoint;

	io_close(&endpoint->process.output);
	worker->retired = true;
	if (!endpoint->ended)
		endpoint->kill_at = io_earlier(endpoint->kill_at,
		    now + ENDPOINT_TERM_MS);
}

static void
read_answers(struct rpc_worker *worker, struct rpc_server *server, int64_t now)
{
	struct process *process = &worker->endpoint.process;
	struct error error;
	const char *line;
	size_t length;

	if (lines_read(&worker->answers, process->output, &error) == -1)
		goto broken;
	while ((line = lines_next(&worker->answers, &length)) != NULL)
		if (take_answer(worker, server, line, length, &error) == -1)
			goto broken;
	if (worker->answers.ended)
		silence(worker, now);
	return;
broken:
	error_prefix(&error, "the endpoint's batch");
	diag("%s", error.text);
	worker->broken = error;
	rpc_worker_end(worker, now);
	io_close(&process->output);
}

static void
expire(struct rpc_worker *worker, struct rpc_server *server, int64_t now)
{
	struct rpc_worker_call *entry;
	bool waited_for = false;

	TAILQ_FOREACH(entry, &worker->calls, entries) {
		if (now >= entry->deadline && entry->call != NULL) {
			diag("%s: the endpoint is ended, it took too long",
			    entry->call->method->name);
			rpc_server_refuse(server, entry->call,
			    GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
			give_up(worker, entry, now);
		} else if (now >= entry->deadline) {
			diag("batch: a cancelled call does not end");
			worker->retired = true;
			entry->deadline = IO_FOREVER;
		}
		waited_for = waited_for || entry->call != NULL;
	}
	if (worker->retired && !waited_for)
		rpc_worker_end(worker, now);
}

void
rpc_worker_handle(struct rpc_worker *worker, struct rpc_server *server,
    const struct pollfd entries[RPC_WORKER_ENTRIES], int64_t now)
{
	struct endpoint *endpoint = &worker->endpoint;

	if (entries[0].revents != 0)
		endpoint_read_errors(endpoint);
	if (entries[1].revents != 0)
		read_answers(worker, server, now);
	if (entries[2].revents != 0 && endpoint->process.input != -1)
		write_requests(worker);
	endpoint_check(endpoint, now);
	if (!endpoint->ended) {
		expire(worker, server, now);
		return;
	}
	endpoint_read_errors(endpoint);
	while (io_ready(endpoint->process.output, POLLIN) != 0)
		read_answers(worker, server, now);
}

bool
rpc_worker_has_ended(const struct rpc_worker *worker)
{
	return (worker->endpoint.ended);
}

/* A call whose client still waits. */
static struct rpc_call *
take_back(struct rpc_worker *worker)
{
	struct rpc_worker_call *entry;
	struct rpc_call *call = NULL;

	while (call == NULL && (entry = TAILQ_FIRST(&worker->calls)) != NULL) {
		call = entry->call;
		forget(worker, entry);
	}
	return (call);
}

void
rpc_worker_fail_calls(struct rpc_worker *worker, struct rpc_server *server)
{
	const struct outcome_facts facts = {
		.exit_code = worker->endpoint.exit_code,
		.text = endpoint_text(&worker->endpoint)
	};
	struct error error = worker->broken;
	enum outcome outcome = OUTCOME_FAILED;
	struct rpc_call *call;

	if (error.code == EXIT_DONE)
		outcome = outcome_of(&facts, &error);
	if (!worker->endpoint.ending && facts.exit_code != EXIT_DONE) {
		endpoint_show_held(&worker->endpoint);
		diag("batch: ended with status %d", facts.exit_code);
	}
	while ((call = take_back(worker)) != NULL)
		rpc_server_refuse(server, call, grpc_status_of_outcome(outcome),
		    error.text);
}

void
rpc_worker_leave_calls(struct rpc_worker *worker)
{
	while (take_back(worker) != NULL)
		;
}

void
rpc_worker_end(struct rpc_worker *worker, int64_t now)
{
	worker->retired = true;
	endpoint_end(&worker->endpoint, now);
}

void
rpc_worker_free(struct rpc_worker *worker)
{
	rpc_worker_leave_calls(worker);
	endpoint_free(&worker->endpoint);
	buffer_free(&worker->requests);
	lines_free(&worker->answers);
}
