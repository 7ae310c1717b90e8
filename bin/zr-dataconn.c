/*
 * zr-dataconn: one request on a data connection, as its client or as its server.  The
 * work is in dataconn_client.c and dataconn_server.c of lib/dataconn.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "dataconn/dataconn_client.h"
#include "dataconn/dataconn_server.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "tls/kernel_tls.h"
#include "transport/chain.h"
#include "transport/extension.h"

#include "core/core.h"

static const char usage[] =
    "zr-dataconn [-f READ,WRITE] [-o FILE] [-r RATE] [-S FILE] METHOD [REQUEST]\n"
    "zr-dataconn [-f READ,WRITE] [-r RATE] [-S FILE] [-T SECONDS] [-t SECONDS] "
    "serve ENDPOINT ...";

struct options {
	struct chain chain;
	bool chain_given;
	const char *answer;		/* -o */
	int64_t stream_ms;		/* -t; 0: not given */
	const char *statistics;		/* -S */
	struct rate rate;
	int64_t timeout_ms;		/* -T */
};

static void
parse_options(struct options *options, int argc, char *argv[])
{
	struct error error;
	int option;

	*options = (struct options){ .chain = CHAIN_CLIENT, .rate = RATE_UNLIMITED };
	while ((option = usage_getopt(usage, argc, argv, "+f:ho:r:S:T:t:")) != -1)
		switch (option) {
		case 'f':
			chain_option(&options->chain, optarg);
			options->chain_given = true;
			break;
		case 'o':
			options->answer = optarg;
			break;
		case 'r':
			if (rate_parse(&options->rate, optarg, &error) == -1)
				diag_die(&error);
			break;
		case 'S':
			options->statistics = optarg;
			break;
		case 'T':
			options->timeout_ms = 1000 * usage_number('T', "seconds",
			    optarg, 1, 7 * 86400);
			break;
		case 't':
			options->stream_ms = 1000 * usage_number('t', "seconds",
			    optarg, 1, 7 * 86400);
			break;
		}
}

/*
 * The request may come long after the start (zr-endpoint-interface(7)).  Until then the
 * connection is watched: if it ends, the request is left to another one.
 */
static int
await_request(struct dataconn *conn, int fd, struct error *error)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	enum dataconn_event event;

	while ((event = dataconn_next(conn, error)) == DATACONN_WAIT) {
		if (entry.revents != 0)
			return (0);
		dataconn_wait(conn, &entry, 1, IO_FOREVER);
	}
	if (event == DATACONN_REFUSED)
		return (error_set(error, EXIT_FAILED, "%s", dataconn_text(conn)));
	if (event != DATACONN_LOST)
		error_set(error, EXIT_PROTOCOL,
		    "the peer ended the connection before the request");
	return (-1);
}

static int
run_client(struct dataconn *conn, const struct options *options,
    const struct method *method, const char *operand,
    struct progress *progress, struct error *error)
{
	struct dataconn_client client = { .method = method,
	    .answer = STDOUT_FILENO, .progress = progress };
	struct verdict verdict = { .fd = -1 };
	ProtobufCMessage *request = NULL;
	bool unblocked = false;
	int answer = -1, result = -1, line;

	if (method->kind == METHOD_RECEIVE) {
		if (verdict_open(&verdict, error) == -1)
			return (-1);
		client.verdict = &verdict;
	}
	line = request_descriptor(method, error);
	if (line == -1 || (operand == NULL &&
	    await_request(conn, line, error) == -1) ||
	    (request = request_read_from(line, method, operand, error)) == NULL)
		goto out;
	if (line != STDIN_FILENO)
		io_close(&line);
	dataconn_begin_statistics(conn);
	client.request = request;
	client.stream = method->kind == METHOD_SEND ? STDOUT_FILENO : STDIN_FILENO;
	if (options->answer != NULL) {
		answer = open(options->answer,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (answer == -1) {
			error_errno(error, "%s", options->answer);
			goto out;
		}
		client.answer = answer;
	}
	if (method->kind == METHOD_SEND)
		/* Heartbeats go on while the stream's reader pauses. */
		unblocked = io_unblock(STDOUT_FILENO);
	result = dataconn_client_run(conn, &client, error);
	if (unblocked)
		io_set_nonblocking(STDOUT_FILENO, false);
out:
	io_close(&answer);
	verdict_free(&verdict);
	if (request != NULL)
		pbjson_free(request);
	return (result);
}

static int
run_server(struct dataconn *conn, const struct options *options,
    char *const endpoint[], struct progress *progress, struct error *error)
{
	const struct dataconn_server server = { .endpoint = endpoint,
	    .timeout_ms = options->timeout_ms, .progress = progress };

	unsetenv(REQUEST_ENVIRONMENT);
	if (options->stream_ms != 0)
		dataconn_limit_stream(conn, options->stream_ms);
	/* Only we use the network: an endpoint has pipes. */
	if (io_set_cloexec(options->chain.read_fd, true) == -1 ||
	    io_set_cloexec(options->chain.write_fd, true) == -1)
		return (error_errno(error, "connection"));
	return (dataconn_server_run(conn, &server, error));
}

int
dataconn_main(int argc, char *argv[])
{
	struct options options;
	struct dataconn *conn;
	struct progress progress;
	struct error error, unwritten;
	const struct method *method = NULL;
	bool serve, compress;
	int result;

	usage_begin("zr-dataconn", usage, argc, argv);
	parse_options(&options, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage_die(usage);
	serve = strcmp(argv[0], "serve") == 0;
	if (serve ? argc < 2 || options.answer != NULL :
	    argc > 2 || options.timeout_ms != 0 || options.stream_ms != 0)
		usage_die(usage);
	if (serve)
		usage_operand("an endpoint", argv[1]);
	else if (((method = method_by_name(argv[0])) == NULL ||
	    method->path == NULL))
		die(EXIT_USAGE, "%s: not a method of a data connection (Ping, "
		    "Send, Receive)", argv[0]);
	else if (method->kind == METHOD_PING && options.rate.bytes_per_second != 0)
		die(EXIT_USAGE, "-r is for Send and Receive, which have a stream");
	if (serve && !options.chain_given)
		options.chain = CHAIN_SERVER;

	signal(SIGPIPE, SIG_IGN);
	kernel_tls_hook();
	if (chain_check(&options.chain, &error) == -1 ||
	    progress_open(&progress, io_now(), &error) == -1)
		diag_die(&error);
	compress = extension_agreed(EXTENSION_ZSTD);
	chain_clean_environment();
	conn = dataconn_new(&options.chain,
	    serve ? EXCHANGE_SERVER : EXCHANGE_CLIENT,
	    serve ? METHOD_UNARY : method->kind, &options.rate, &error);
	if (conn == NULL || (compress && dataconn_compress(conn, &error) == -1))
		diag_die(&error);
	result = serve ?
	    run_server(conn, &options, argv + 1, &progress, &error) :
	    run_client(conn, &options, method, argv[1], &progress, &error);
	result = result == -1 ? (int)error.code : EXIT_DONE;
	if (result != EXIT_DONE)
		diag("%s", error.text);
	if (options.statistics != NULL && dataconn_write_statistics(conn,
	    options.statistics, result, &unwritten) == -1) {
		diag("%s", unwritten.text);
		result = result == EXIT_DONE ? (int)unwritten.code : result;
	}
	dataconn_free(conn);
	return (result);
}
