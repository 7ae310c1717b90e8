#include <signal.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "endpoint/call.h"
#include "rpc/rpc_network.h"
#include "rpc/rpc_serve.h"
#include "rpc/rpc_translate.h"
#include "rpc/rpc_worker.h"

/* No call is begun while so many bytes wait for a slow client. */
#define ANSWERS_PAUSE	(64u << 20)
#define FAREWELL_MS	2000	/* for the last words to a bad client */
#define LAST_ANSWER_MS	10000	/* and for the last answers to a good one */

/* A call at an endpoint of its own. */
struct job {
	TAILQ_ENTRY(job) entries;
	struct rpc_call *call;		/* NULL: nobody waits for it any more */
	struct call at;
	int64_t deadline;
	struct pollfd *poll;		/* CALL_ENTRIES of them */
};

TAILQ_HEAD(jobs, job);

struct run {
	const struct rpc_serve *serve;
	struct rpc_server server;
	struct rpc_network network;
	struct jobs jobs;
	size_t job_count;
	struct rpc_worker *worker;	/* with batch; NULL: none runs */
	struct pollfd entries[RPC_NETWORK_ENTRIES + RPC_WORKER_ENTRIES +
	    CALL_ENTRIES * RPC_SERVE_CALLS_MAX];
	bool over;			/* the connection is */
};

/* --- one call --- */

static void
free_job(struct run *run, struct job *job)
{
	TAILQ_REMOVE(&run->jobs, job, entries);
	run->job_count--;
	call_free(&job->at);
	free(job);
}

static void
refuse(struct run *run, struct rpc_call *call, enum grpc_status status,
    const char *text)
{
	rpc_server_refuse(&run->server, call, status, text);
}

/* An endpoint for this call. */
static void
start_job(struct run *run, struct rpc_call *call)
{
	struct job *job = calloc(1, sizeof(*job));
	struct error error;
	size_t length;
	char *text;

	if (job != NULL)
		job->at = CALL_NONE(call->method->kind);
	text = job != NULL ? rpc_translate_request(call, &length, &error) : NULL;
	if (job == NULL)
		refuse(run, call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	else if (text == NULL)
		refuse(run, call, GRPC_INVALID_ARGUMENT, error.text);
	else if (call_start(&job->at, run->serve->endpoint, call->method->name,
	    text, length, &error) == -1) {
		diag("%s", error.text);
		refuse(run, call, GRPC_UNKNOWN, error.text);
	} else {
		job->call = call;
		job->deadline = call->deadline;
		if (run->serve->timeout_ms > 0)
			job->deadline = io_earlier(job->deadline,
			    io_now() + run->serve->timeout_ms);
		TAILQ_INSERT_TAIL(&run->jobs, job, entries);
		run->job_count++;
		job = NULL;
	}
	free(text);
	free(job);
}

static void
end_job(struct job *job)
{
	job->call = NULL;
	job->deadline = IO_FOREVER;
	endpoint_end(&job->at.endpoint, io_now());
}

static void
expire_job(struct run *run, struct job *job)
{
	diag("%s: the endpoint is ended, it took too long", job->call->method->name);
	refuse(run, job->call, GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
	end_job(job);
}

/* The endpoint has ended, and its exit status is the last word. */
static void
conclude(struct run *run, struct job *job)
{
	enum outcome outcome;
	struct error error;
	const char *line;
	size_t length;

	endpoint_log(&job->at.endpoint);
	if (job->call == NULL)
		return;
	outcome = call_outcome(&job->at, &line, &length, &error);
	if (outcome == OUTCOME_ANSWERED && rpc_translate_answer(&run->server,
	    job->call, line, length, &error) == 0)
		return;
	if (job->at.endpoint.exit_code == EXIT_DONE)
		diag("%s: %s", job->call->method->name, error.text);
	refuse(run, job->call, grpc_status_of_outcome(outcome), error.text);
}

static void
handle_job(struct run *run, struct job *job, int64_t now)
{
	if (now >= job->deadline)
		expire_job(run, job);
	call_move(&job->at, job->poll, now);
	call_check(&job->at, now);
	if (job->at.endpoint.ended) {
		conclude(run, job);
		free_job(run, job);
	}
}

/* --- all of them --- */

/* The one process that serves all calls, started with the first of them. */
static int
want_worker(struct run *run, struct error *error)
{
	if (run->worker != NULL)
		return (0);
	run->worker = calloc(1, sizeof(*run->worker));
	if (run->worker == NULL)
		return (error_errno(error, "batch"));
	if (rpc_worker_start(run->worker, run->serve->endpoint, error) == 0)
		return (0);
	rpc_worker_free(run->worker);
	free(run->worker);
	run->worker = NULL;
	return (-1);
}

static void
start_call(struct run *run, struct rpc_call *call)
{
	struct error error;

	if (!run->serve->batch)
		start_job(run, call);
	else if (want_worker(run, &error) == -1) {
		diag("%s", error.text);
		refuse(run, call, GRPC_UNKNOWN, error.text);
	} else if (rpc_worker_add(run->worker, call, run->serve->timeout_ms,
	    &error) == -1)
		refuse(run, call, GRPC_INVALID_ARGUMENT, error.text);
}

/* One that is about to end gets no more: the calls wait for the next. */
static bool
takes_calls(const struct run *run)
{
	return (!run->over && (run->worker == NULL || !run->worker->retired));
}

static size_t
count_calls(const struct run *run)
{
	return (run->job_count + endpoint_left_behind() +
	    (run->worker != NULL ? run->worker->count : 0));
}

static void
start_calls(struct run *run)
{
	struct rpc_call *call;

	while (takes_calls(run) && count_calls(run) < run->serve->calls &&
	    run->server.answer_bytes < ANSWERS_PAUSE &&
	    (call = rpc_server_next(&run->server)) != NULL)
		start_call(run, call);
}

static void
handle_worker(struct run *run, const struct pollfd *entries, int64_t now)
{
	struct rpc_worker *worker = run->worker;

	rpc_worker_handle(worker, &run->server, entries, now);
	if (!rpc_worker_has_ended(worker))
		return;
	rpc_worker_fail_calls(worker, &run->server);
	rpc_worker_free(worker);
	free(worker);
	run->worker = NULL;
}

static void
end_cancelled(struct run *run)
{
	struct rpc_call *call;
	struct job *job;

	while ((call = rpc_server_next_cancelled(&run->server)) != NULL) {
		if (run->worker == NULL || !rpc_worker_cancel(run->worker, call))
			TAILQ_FOREACH(job, &run->jobs, entries)
				if (job->call == call) {
					end_job(job);
					break;
				}
		rpc_server_forget(&run->server, call);
	}
}

/* Sleep once; what the endpoints did meanwhile. */
static void
turn(struct run *run)
{
	struct pollfd *const of_worker = run->entries + RPC_NETWORK_ENTRIES;
	size_t count = RPC_NETWORK_ENTRIES + RPC_WORKER_ENTRIES;
	struct job *job, *next;
	int64_t until = IO_FOREVER, now;

	if (run->over)
		run->entries[0].fd = run->entries[1].fd = -1;
	else {
		rpc_network_poll(&run->network, &run->server.connection,
		    run->entries);
		until = rpc_server_deadline(&run->server);
	}
	for (size_t i = 0; i < RPC_WORKER_ENTRIES; i++)
		of_worker[i].fd = -1;
	if (run->worker != NULL) {
		rpc_worker_poll(run->worker, of_worker);
		until = io_earlier(until, rpc_worker_deadline(run->worker));
	}
	TAILQ_FOREACH(job, &run->jobs, entries) {
		job->poll = run->entries + count;
		call_poll(&job->at, job->poll);
		count += CALL_ENTRIES;
		until = io_earlier(until, io_earlier(job->deadline,
		    job->at.endpoint.kill_at));
	}
	io_poll(run->entries, count, until);
	signals_take(SIGCHLD);
	now = io_now();
	run->server.connection.now = now;
	TAILQ_FOREACH_SAFE(job, &run->jobs, entries, next)
		handle_job(run, job, now);
	if (run->worker != NULL)
		handle_worker(run, of_worker, now);
}

/* What the client did meanwhile.  -1: the connection is over. */
static int
serve_network(struct run *run, struct error *error)
{
	static uint8_t bytes[32 << 10];
	struct rpc_server *server = &run->server;
	ssize_t got;

	got = rpc_network_read(&run->network, run->entries, bytes,
	    sizeof(bytes), error);
	if (got == -1 && run->network.unread && server->streams == 0)
		error->code = EXIT_DONE;	/* it had nothing open */
	if (got == -1 || (got > 0 && rpc_connection_read(&server->connection,
	    bytes, (size_t)got, io_now(), error) == -1))
		return (-1);
	if (rpc_server_tick(server, io_now(), error) == -1)
		return (-1);
	end_cancelled(run);
	start_calls(run);
	if (rpc_network_write(&run->network, &server->connection, io_now(),
	    error) == -1)
		return (-1);
	if (server->connection.broken) {
		*error = server->connection.reason;
		return (-1);
	}
	if (server->connection.left && server->streams > 0)
		return (error_set(error, EXIT_PROTOCOL, "the client left %zu "
		    "calls", server->streams));
	if (server->connection.left || rpc_server_done(server)) {
		error->code = EXIT_DONE;
		return (-1);
	}
	return (0);
}

/* Nobody waits any more: end what runs, and see it ended. */
static void
end_all(struct run *run)
{
	struct job *job;

	run->over = true;
	TAILQ_FOREACH(job, &run->jobs, entries)
		end_job(job);
	if (run->worker != NULL) {
		rpc_worker_leave_calls(run->worker);
		rpc_worker_end(run->worker, io_now());
	}
	while (!TAILQ_EMPTY(&run->jobs) || run->worker != NULL)
		turn(run);
}

int
rpc_serve_run(const struct rpc_serve *serve, const struct chain *chain,
    struct error *error)
{
	struct run *run;
	int64_t patience_ms;

	run = calloc(1, sizeof(*run));
	if (run == NULL)
		return (error_errno(error, "serve"));
	run->serve = serve;
	TAILQ_INIT(&run->jobs);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGINT);
	if (rpc_network_open(&run->network, chain, error) == -1 ||
	    rpc_server_init(&run->server, io_now(), error) == -1) {
		free(run);
		return (-1);
	}
	do {
		turn(run);
		if (signals_take(SIGTERM))
			rpc_server_stop(&run->server);
		if (signals_take(SIGINT)) {
			error_set(error, EXIT_SIGNAL + SIGINT, "interrupted");
			break;
		}
	} while (serve_network(run, error) == 0);
	end_all(run);
	patience_ms = error->code == EXIT_DONE ? LAST_ANSWER_MS : FAREWELL_MS;
	rpc_network_close(&run->network, &run->server.connection, patience_ms);
	rpc_network_drain(&run->network, patience_ms);
	rpc_server_free(&run->server);
	free(run);
	return (error->code == EXIT_DONE ? 0 : -1);
}
