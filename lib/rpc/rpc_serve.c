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

/* No call is begun while this many bytes wait for a slow client. */
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

/* The service of one connection. */
struct service {
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
free_job(struct service *service, struct job *job)
{
	TAILQ_REMOVE(&service->jobs, job, entries);
	service->job_count--;
	call_free(&job->at);
	free(job);
}

static void
refuse(struct service *service, struct rpc_call *call, enum grpc_status status,
    const char *text)
{
	rpc_server_refuse(&service->server, call, status, text);
}

/* An endpoint for this call. */
static void
start_job(struct service *service, struct rpc_call *call)
{
	struct job *job = calloc(1, sizeof(*job));
	struct error error;
	size_t length;
	char *text;

	if (job != NULL)
		job->at = CALL_NONE(call->method->kind);
	text = job != NULL ? rpc_translate_request(call, &length, &error) : NULL;
	if (job == NULL)
		refuse(service, call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	else if (text == NULL)
		refuse(service, call, GRPC_INVALID_ARGUMENT, error.text);
	else if (call_start(&job->at, service->serve->endpoint, call->method->name,
	    text, length, &error) == -1) {
		diag("%s", error.text);
		refuse(service, call, GRPC_UNKNOWN, error.text);
	} else {
		job->call = call;
		job->deadline = call->deadline;
		if (service->serve->timeout_ms > 0)
			job->deadline = io_earlier(job->deadline,
			    io_now() + service->serve->timeout_ms);
		TAILQ_INSERT_TAIL(&service->jobs, job, entries);
		service->job_count++;
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
expire_job(struct service *service, struct job *job)
{
	diag("%s: the endpoint is ended, it took too long", job->call->method->name);
	refuse(service, job->call, GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
	end_job(job);
}

/* The endpoint has ended: its exit status decides about the answer. */
static void
conclude(struct service *service, struct job *job)
{
	enum outcome outcome;
	struct error error;
	const char *line;
	size_t length;

	endpoint_log(&job->at.endpoint);
	if (job->call == NULL)
		return;
	outcome = call_outcome(&job->at, &line, &length, &error);
	if (outcome == OUTCOME_ANSWERED && rpc_translate_answer(&service->server,
	    job->call, line, length, &error) == 0)
		return;
	if (job->at.endpoint.exit_code == EXIT_DONE)
		diag("%s: %s", job->call->method->name, error.text);
	refuse(service, job->call, grpc_status_of_outcome(outcome), error.text);
}

static void
handle_job(struct service *service, struct job *job, int64_t now)
{
	if (now >= job->deadline)
		expire_job(service, job);
	call_move(&job->at, job->poll, now);
	call_check(&job->at, now);
	if (job->at.endpoint.ended) {
		conclude(service, job);
		free_job(service, job);
	}
}

/* --- all of them --- */

/* The process that serves all calls; it is started for the first one. */
static int
want_worker(struct service *service, struct error *error)
{
	if (service->worker != NULL)
		return (0);
	service->worker = calloc(1, sizeof(*service->worker));
	if (service->worker == NULL)
		return (error_errno(error, "batch"));
	if (rpc_worker_start(service->worker, service->serve->endpoint, error) == 0)
		return (0);
	rpc_worker_free(service->worker);
	free(service->worker);
	service->worker = NULL;
	return (-1);
}

static void
start_call(struct service *service, struct rpc_call *call)
{
	struct error error;

	if (!service->serve->batch)
		start_job(service, call);
	else if (want_worker(service, &error) == -1) {
		diag("%s", error.text);
		refuse(service, call, GRPC_UNKNOWN, error.text);
	} else if (rpc_worker_add(service->worker, call, service->serve->timeout_ms,
	    &error) == -1)
		refuse(service, call, GRPC_INVALID_ARGUMENT, error.text);
}

/* A process that is about to end gets no more calls: they wait for the next. */
static bool
takes_calls(const struct service *service)
{
	return (!service->over && (service->worker == NULL || !service->worker->retired));
}

static size_t
count_calls(const struct service *service)
{
	return (service->job_count + endpoint_left_behind() +
	    (service->worker != NULL ? service->worker->count : 0));
}

static void
start_calls(struct service *service)
{
	struct rpc_call *call;

	while (takes_calls(service) && count_calls(service) < service->serve->calls &&
	    service->server.answer_bytes < ANSWERS_PAUSE &&
	    (call = rpc_server_next(&service->server)) != NULL)
		start_call(service, call);
}

static void
handle_worker(struct service *service, const struct pollfd *entries, int64_t now)
{
	struct rpc_worker *worker = service->worker;

	rpc_worker_handle(worker, &service->server, entries, now);
	if (!rpc_worker_has_ended(worker))
		return;
	rpc_worker_fail_calls(worker, &service->server);
	rpc_worker_free(worker);
	free(worker);
	service->worker = NULL;
}

static void
end_cancelled(struct service *service)
{
	struct rpc_call *call;
	struct job *job;

	while ((call = rpc_server_next_cancelled(&service->server)) != NULL) {
		if (service->worker == NULL || !rpc_worker_cancel(service->worker, call))
			TAILQ_FOREACH(job, &service->jobs, entries)
				if (job->call == call) {
					end_job(job);
					break;
				}
		rpc_server_forget(&service->server, call);
	}
}

/* Sleep once, then deal with the endpoints. */
static void
turn(struct service *service)
{
	struct pollfd *const of_worker = service->entries + RPC_NETWORK_ENTRIES;
	size_t count = RPC_NETWORK_ENTRIES + RPC_WORKER_ENTRIES;
	struct job *job, *next;
	int64_t until = IO_FOREVER, now;

	if (service->over)
		service->entries[0].fd = service->entries[1].fd = -1;
	else {
		rpc_network_poll(&service->network, &service->server.connection,
		    service->entries);
		until = rpc_server_deadline(&service->server);
	}
	for (size_t i = 0; i < RPC_WORKER_ENTRIES; i++)
		of_worker[i].fd = -1;
	if (service->worker != NULL) {
		rpc_worker_poll(service->worker, of_worker);
		until = io_earlier(until, rpc_worker_deadline(service->worker));
	}
	TAILQ_FOREACH(job, &service->jobs, entries) {
		job->poll = service->entries + count;
		call_poll(&job->at, job->poll);
		count += CALL_ENTRIES;
		until = io_earlier(until, io_earlier(job->deadline,
		    job->at.endpoint.kill_at));
	}
	io_poll(service->entries, count, until);
	signals_take(SIGCHLD);
	now = io_now();
	service->server.connection.now = now;
	TAILQ_FOREACH_SAFE(job, &service->jobs, entries, next)
		handle_job(service, job, now);
	if (service->worker != NULL)
		handle_worker(service, of_worker, now);
}

/* Deal with the client.  -1: the connection is over. */
static int
serve_network(struct service *service, struct error *error)
{
	static uint8_t bytes[32 << 10];
	struct rpc_server *server = &service->server;
	ssize_t got;

	got = rpc_network_read(&service->network, service->entries, bytes,
	    sizeof(bytes), error);
	if (got == -1 && service->network.unread && server->streams == 0)
		error->code = EXIT_DONE;	/* it had nothing open */
	if (got == -1 || (got > 0 && rpc_connection_read(&server->connection,
	    bytes, (size_t)got, io_now(), error) == -1))
		return (-1);
	if (rpc_server_tick(server, io_now(), error) == -1)
		return (-1);
	end_cancelled(service);
	start_calls(service);
	if (rpc_network_write(&service->network, &server->connection, io_now(),
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

/* Nobody waits any more: end the running endpoints, and wait for them. */
static void
end_all(struct service *service)
{
	struct job *job;

	service->over = true;
	TAILQ_FOREACH(job, &service->jobs, entries)
		end_job(job);
	if (service->worker != NULL) {
		rpc_worker_leave_calls(service->worker);
		rpc_worker_end(service->worker, io_now());
	}
	while (!TAILQ_EMPTY(&service->jobs) || service->worker != NULL)
		turn(service);
}

int
rpc_serve_run(const struct rpc_serve *serve, const struct chain *chain,
    struct error *error)
{
	struct service *service;
	int64_t patience_ms;

	service = calloc(1, sizeof(*service));
	if (service == NULL)
		return (error_errno(error, "serve"));
	service->serve = serve;
	TAILQ_INIT(&service->jobs);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGINT);
	if (rpc_network_open(&service->network, chain, error) == -1 ||
	    rpc_server_init(&service->server, io_now(), error) == -1) {
		free(service);
		return (-1);
	}
	do {
		turn(service);
		if (signals_take(SIGTERM))
			rpc_server_stop(&service->server);
		if (signals_take(SIGINT)) {
			error_set(error, EXIT_SIGNAL + SIGINT, "interrupted");
			break;
		}
	} while (serve_network(service, error) == 0);
	end_all(service);
	patience_ms = error->code == EXIT_DONE ? LAST_ANSWER_MS : FAREWELL_MS;
	rpc_network_close(&service->network, &service->server.connection, patience_ms);
	rpc_network_drain(&service->network, patience_ms);
	rpc_server_free(&service->server);
	free(service);
	return (error->code == EXIT_DONE ? 0 : -1);
}
