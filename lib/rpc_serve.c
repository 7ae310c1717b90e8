#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "endpoint.h"
#include "io.h"
#include "pbjson.h"
#include "request_check.h"
#include "rpc_network.h"
#include "rpc_serve.h"
#include "rpc_server.h"
#include "signals.h"

/* No endpoint is started while so many bytes wait for a slow client. */
#define ANSWERS_PAUSE	(64u << 20)
#define JOB_ENTRIES	3
#define FAREWELL_MS	2000

/* One endpoint at work. */
struct job {
	TAILQ_ENTRY(job) entries;
	struct rpc_call *call;		/* NULL: nobody waits for it any more */
	struct endpoint endpoint;
	struct buffer request;		/* the line, as far as unwritten */
	struct buffer answer;
	int64_t deadline;
	struct pollfd *poll;		/* JOB_ENTRIES of them */
};

TAILQ_HEAD(jobs, job);

struct run {
	const struct rpc_serve *serve;
	struct rpc_server server;
	struct rpc_network network;
	struct jobs jobs;
	size_t job_count;
	struct pollfd entries[RPC_NETWORK_ENTRIES +
	    JOB_ENTRIES * RPC_SERVE_CALLS_MAX];
	bool over;			/* the connection is */
};

/* --- one call --- */

/* From the client's message to the line that the endpoint reads. */
static int
make_request_line(const struct rpc_call *call, struct buffer *line,
    struct error *error)
{
	ProtobufCMessage *request;
	char *text = NULL;
	size_t length;
	int result = -1;

	request = pbjson_unpack(call->method->request,
	    buffer_front(&call->message.payload),
	    buffer_length(&call->message.payload), error);
	if (request == NULL)
		return (-1);
	if (request_check(request, error) == -1)
		goto out;
	text = pbjson_print(request, &length, error);
	if (text == NULL)
		goto out;
	*line = BUFFER_EMPTY(length + 1);
	if (buffer_append(line, text, length) == -1 ||
	    buffer_append(line, "\n", 1) == -1)
		error_errno(error, "request");
	else
		result = 0;
out:
	free(text);
	protobuf_c_message_free_unpacked(request, NULL);
	return (result);
}

static void
free_job(struct run *run, struct job *job)
{
	TAILQ_REMOVE(&run->jobs, job, entries);
	run->job_count--;
	endpoint_free(&job->endpoint);
	buffer_free(&job->request);
	buffer_free(&job->answer);
	free(job);
}

static void
refuse(struct run *run, struct rpc_call *call, enum grpc_status status,
    const char *text)
{
	rpc_server_refuse(&run->server, call, status, text);
}

static void
start_job(struct run *run, struct rpc_call *call)
{
	struct error error;
	struct job *job;

	job = calloc(1, sizeof(*job));
	if (job == NULL) {
		refuse(run, call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	job->endpoint = ENDPOINT_NONE;
	job->answer = BUFFER_EMPTY(METHOD_ANSWER_MAX);
	if (make_request_line(call, &job->request, &error) == -1) {
		error_prefix(&error, "request");
		refuse(run, call, GRPC_INVALID_ARGUMENT, error.text);
	} else if (endpoint_start(&job->endpoint, run->serve->endpoint,
	    call->method->name, &error) == -1) {
		diag("%s", error.text);
		refuse(run, call, GRPC_UNKNOWN, error.text);
	} else {
		job->call = call;
		call->context = job;
		job->deadline = call->deadline;
		if (run->serve->timeout_ms > 0)
			job->deadline = io_earlier(job->deadline,
			    io_now() + run->serve->timeout_ms);
		TAILQ_INSERT_TAIL(&run->jobs, job, entries);
		run->job_count++;
		return;
	}
	buffer_free(&job->request);
	free(job);
}

static void
end_job(struct job *job)
{
	job->call = NULL;
	job->deadline = IO_FOREVER;
	endpoint_end(&job->endpoint, io_now());
}

static void
expire_job(struct run *run, struct job *job)
{
	diag("%s: the endpoint is ended, it took too long",
	    job->call->method->name);
	refuse(run, job->call, GRPC_DEADLINE_EXCEEDED, "context deadline exceeded");
	end_job(job);
}

static void
read_answer(struct run *run, struct job *job)
{
	struct process *process = &job->endpoint.process;
	static uint8_t bytes[64 << 10];
	ssize_t got;

	while ((got = io_read(process->output, bytes, sizeof(bytes))) > 0)
		if (job->call != NULL && buffer_append(&job->answer, bytes,
		    (size_t)got) == -1) {
			refuse(run, job->call, GRPC_RESOURCE_EXHAUSTED,
			    "the endpoint's answer is longer than 64 MiB");
			end_job(job);
			return;
		}
	if (got == 0 || errno != EAGAIN)
		io_close(&process->output);
}

static void
write_request(struct job *job)
{
	struct process *process = &job->endpoint.process;
	ssize_t put;

	put = io_write(process->input, buffer_front(&job->request),
	    buffer_length(&job->request));
	if (put == -1 && errno == EAGAIN)
		return;
	if (put == -1)		/* it may know without having read */
		put = (ssize_t)buffer_length(&job->request);
	buffer_consume(&job->request, (size_t)put);
	if (buffer_length(&job->request) == 0)
		io_close(&process->input);
}

/* Its answer line, as the client's; -1: it is none. */
static int
respond(struct run *run, struct job *job, struct error *error)
{
	const char *line = (const char *)buffer_front(&job->answer), *newline;
	const size_t length = buffer_length(&job->answer);
	ProtobufCMessage *response;
	void *bytes = NULL;
	size_t size;
	int result = -1;

	newline = length > 0 ? memchr(line, '\n', length) : NULL;
	if (newline == NULL)
		return (error_set(error, EXIT_FAILED,
		    "the endpoint ended without an answer"));
	if (newline + 1 != line + length)
		return (error_set(error, EXIT_FAILED,
		    "the endpoint wrote more than one line"));
	response = pbjson_parse(job->call->method->response, line, length - 1, error);
	if (response != NULL && request_check(response, error) == 0 &&
	    pbjson_pack(response, &bytes, &size, error) == 0) {
		rpc_server_answer(&run->server, job->call, bytes, size);
		result = 0;
	} else
		error_prefix(error, "the endpoint's answer");
	if (response != NULL)
		protobuf_c_message_free_unpacked(response, NULL);
	free(bytes);
	return (result);
}

/* The endpoint has ended, and its exit status is the last word. */
static void
conclude(struct run *run, struct job *job)
{
	struct endpoint *endpoint = &job->endpoint;
	struct error error;

	endpoint_read_errors(endpoint);
	if (endpoint->process.output != -1)
		read_answer(run, job);
	endpoint_log(endpoint);
	if (job->call == NULL)
		return;
	if (endpoint->exit_code != 0)
		refuse(run, job->call, GRPC_UNKNOWN, endpoint_text(endpoint));
	else if (respond(run, job, &error) == -1) {
		diag("%s: %s", job->call->method->name, error.text);
		refuse(run, job->call, GRPC_UNKNOWN, error.text);
	}
}

/* --- all of them --- */

static void
poll_job(struct job *job, struct pollfd *entries)
{
	const struct process *process = &job->endpoint.process;

	job->poll = entries;
	entries[0] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
	entries[1] = (struct pollfd){ .fd = process->output, .events = POLLIN };
	entries[2] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&job->request) > 0 ? process->input : -1 };
}

static void
handle_job(struct run *run, struct job *job, int64_t now)
{
	if (job->poll[0].revents != 0)
		endpoint_read_errors(&job->endpoint);
	if (job->poll[1].revents != 0)
		read_answer(run, job);
	if (job->poll[2].revents != 0)
		write_request(job);
	if (now >= job->deadline)
		expire_job(run, job);
	endpoint_check(&job->endpoint, now);
	if (job->endpoint.ended) {
		conclude(run, job);
		free_job(run, job);
	}
}

static void
start_jobs(struct run *run)
{
	struct rpc_call *call;

	while (!run->over && run->job_count < run->serve->calls &&
	    run->server.answer_bytes < ANSWERS_PAUSE &&
	    (call = rpc_server_next(&run->server)) != NULL)
		start_job(run, call);
}

static void
end_cancelled(struct run *run)
{
	struct rpc_call *call;

	while ((call = rpc_server_next_cancelled(&run->server)) != NULL) {
		end_job(call->context);
		rpc_server_forget(&run->server, call);
	}
}

/* Sleep once; what the endpoints did meanwhile. */
static void
turn(struct run *run)
{
	struct job *job, *next;
	size_t count = RPC_NETWORK_ENTRIES;
	int64_t until = IO_FOREVER, now;

	if (run->over)
		run->entries[0].fd = run->entries[1].fd = -1;
	else {
		rpc_network_poll(&run->network, &run->server.connection,
		    run->entries);
		until = rpc_server_deadline(&run->server);
	}
	TAILQ_FOREACH(job, &run->jobs, entries) {
		poll_job(job, run->entries + count);
		count += JOB_ENTRIES;
		until = io_earlier(until, io_earlier(job->deadline,
		    job->endpoint.kill_at));
	}
	io_poll(run->entries, count, until);
	signals_take(SIGCHLD);
	now = io_now();
	run->server.connection.now = now;
	TAILQ_FOREACH_SAFE(job, &run->jobs, entries, next)
		handle_job(run, job, now);
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
	if (got == -1 || (got > 0 && rpc_server_read(server, bytes, (size_t)got,
	    io_now(), error) == -1))
		return (-1);
	if (rpc_server_tick(server, io_now(), error) == -1)
		return (-1);
	end_cancelled(run);
	start_jobs(run);
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
	while (!TAILQ_EMPTY(&run->jobs))
		turn(run);
}

int
rpc_serve_run(const struct rpc_serve *serve, const struct chain *chain,
    struct error *error)
{
	struct run *run;

	run = calloc(1, sizeof(*run));
	if (run == NULL)
		return (error_errno(error, "serve"));
	run->serve = serve;
	TAILQ_INIT(&run->jobs);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	if (rpc_network_open(&run->network, chain, error) == -1 ||
	    rpc_server_init(&run->server, io_now(), error) == -1) {
		free(run);
		return (-1);
	}
	do {
		turn(run);
		if (signals_take(SIGTERM)) {
			if (run->server.state != RPC_SERVING) {
				error_set(error, EXIT_SIGNAL + SIGTERM, "terminated");
				break;
			}
			rpc_server_stop(&run->server);
		}
	} while (serve_network(run, error) == 0);
	end_all(run);
	rpc_network_close(&run->network, &run->server.connection,
	    io_now() + FAREWELL_MS);
	rpc_server_free(&run->server);
	free(run);
	return (error->code == EXIT_DONE ? 0 : -1);
}
