/*
 * zr-rpc: unary calls on a control connection, as its client or as its
 * server.  The work is in lib/rpc/rpc_caller.c, lib/rpc/rpc_caller_batch.c and
 * lib/rpc/rpc_serve.c.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "message/request.h"
#include "rpc/rpc_caller.h"
#include "rpc/rpc_serve.h"
#include "tls/kernel_tls.h"

#include "core/core.h"

static const char usage[] =
    "zr-rpc [-f READ,WRITE] [-m MIB] [-t SECONDS] METHOD [REQUEST]\n"
    "zr-rpc [-f READ,WRITE] [-m MIB] [-t SECONDS] batch\n"
    "zr-rpc [-b] [-c CALLS] [-f READ,WRITE] [-T SECONDS] serve ENDPOINT ...";

struct options {
	struct chain chain;
	size_t calls;			/* -c */
	size_t answer_max;		/* -m, in bytes */
	int64_t deadline_ms;		/* -t */
	int64_t timeout_ms;		/* -T */
	bool batch;			/* -b */
	int of_client, of_server;	/* an option of one role that was given, or 0 */
};

/* The argument of -t: seconds, with a fraction where wanted. */
static int64_t
parse_seconds(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (text[strspn(text, "0123456789.")] != '\0' || *end != '\0' ||
	    seconds < 0.001 || seconds > 7 * 86400)
		die(EXIT_USAGE, "-t wants seconds, 0.001 to 604800, not %s", text);
	return ((int64_t)(seconds * 1000));
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .chain = CHAIN_UNSET,
	    .calls = RPC_SERVE_CALLS, .answer_max = METHOD_ANSWER_MAX };
	while ((option = usage_getopt(usage, argc, argv, "+bc:f:hm:t:T:")) != -1)
		switch (option) {
		case 'b':
			options->batch = true;
			options->of_server = option;
			break;
		case 'c':
			options->calls = (size_t)usage_number('c', "a number",
			    optarg, 1, RPC_SERVE_CALLS_MAX);
			options->of_server = option;
			break;
		case 'f':
			chain_option(&options->chain, optarg);
			break;
		case 'm':
			options->answer_max = (size_t)usage_number('m', "a number",
			    optarg, 1, 2048) << 20;
			options->of_client = option;
			break;
		case 't':
			options->deadline_ms = parse_seconds(optarg);
			options->of_client = option;
			break;
		case 'T':
			options->timeout_ms = 1000 * usage_number('T', "seconds",
			    optarg, 1, 7 * 86400);
			options->of_server = option;
			break;
		}
}

static int
serve(const struct options *options, char *const endpoint[], struct error *error)
{
	const struct rpc_serve server = { .endpoint = endpoint,
	    .calls = options->calls, .timeout_ms = options->timeout_ms,
	    .batch = options->batch };

	/* Only we use the network: an endpoint has pipes. */
	if (io_set_cloexec(options->chain.read_fd, true) == -1 ||
	    io_set_cloexec(options->chain.write_fd, true) == -1)
		return (error_errno(error, "connection"));
	return (rpc_serve_run(&server, &options->chain, error));
}

static int
call(struct rpc_caller *caller, const struct method *method,
    const char *operand, struct error *error)
{
	char *answer;
	int result = -1;

	answer = rpc_caller_unary(caller, method, operand, strlen(operand), error);
	if (answer != NULL && (io_write_all(STDOUT_FILENO, answer,
	    strlen(answer), IO_FOREVER, error) == -1 ||
	    io_write_all(STDOUT_FILENO, "\n", 1, IO_FOREVER, error) == -1))
		error_prefix(error, "standard output");
	else if (answer != NULL)
		result = 0;
	free(answer);
	return (result);
}

static int
be_client(const struct options *options, const struct method *method,
    const char *operand, struct error *error)
{
	struct rpc_caller caller;
	char *line = NULL;
	int result;

	/* Read it first: while somebody types, no keepalive has to be answered. */
	if (method != NULL && operand == NULL)
		operand = line = request_line(REQUEST_LINE_MAX, IO_LINE_AND_REST,
		    error);
	if (method != NULL && operand == NULL)
		return (-1);
	if (rpc_caller_open(&caller, &options->chain, options->answer_max,
	    options->deadline_ms, error) == -1)
		return (-1);
	if (method != NULL)
		result = call(&caller, method, operand, error);
	else
		result = rpc_batch(&caller, STDIN_FILENO, STDOUT_FILENO, error);
	rpc_caller_close(&caller);
	free(line);
	return (result);
}

int
rpc_main(int argc, char *argv[])
{
	struct options options;
	struct error error = { .code = EXIT_DONE };
	const struct method *method = NULL;
	char names[METHOD_NAMES_SIZE];
	bool serving, batch;
	int result;

	usage_begin("zr-rpc", usage, argc, argv);
	parse_options(&options, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage_die(usage);
	serving = strcmp(argv[0], "serve") == 0;
	batch = strcmp(argv[0], "batch") == 0;
	if (serving && options.of_client != 0)
		die(EXIT_USAGE, "-%c is not for serve", options.of_client);
	if (!serving && options.of_server != 0)
		die(EXIT_USAGE, "-%c is for serve", options.of_server);
	if (serving ? argc < 2 : argc > (batch ? 1 : 2))
		usage_die(usage);
	if (serving)
		usage_operand("an endpoint", argv[1]);
	if (!serving && !batch && ((method = method_by_name(argv[0])) == NULL ||
	    (method->kind != METHOD_UNARY && method->kind != METHOD_PING)))
		die(EXIT_USAGE, "%s: not a method of a control connection (%s)",
		    argv[0], method != NULL ? "zr-dataconn has it" :
		    method_names(METHODS_OF_CONTROL, names));
	chain_default(&options.chain, serving ? CHAIN_SERVER : CHAIN_CLIENT);

	signal(SIGPIPE, SIG_IGN);
	kernel_tls_hook();
	if (chain_check(&options.chain, &error) == -1)
		diag_die(&error);
	chain_clean_environment();
	result = serving ? serve(&options, argv + 1, &error) :
	    be_client(&options, method, argv[1], &error);
	if (result == -1)
		diag_die(&error);
	return (EXIT_DONE);
}
