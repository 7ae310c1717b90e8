/*
 * zr-step: one replication step between two endpoints.  The work is in lib/step.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "endpoint/side_pipe.h"
#include "endpoint/verdict.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"
#include "step/step.h"
#include "transport/chain.h"

#include "core/core.h"

static const char usage[] =
    "zr-step [-d FILESYSTEM] -s SENDER -r RECEIVER [REQUEST]";

static void
parse_options(struct transfer_order *order, int argc, char *argv[])
{
	int option;

	while ((option = usage_getopt(usage, argc, argv, "+d:hr:s:")) != -1)
		switch (option) {
		case 'd':
			order->destination = optarg;
			break;
		case 'r':
			order->receiver = optarg;
			break;
		case 's':
			order->sender = optarg;
			break;
		}
	if (order->sender == NULL || order->receiver == NULL || argc - optind > 1)
		usage_die(usage);
	usage_operand("a sender", order->sender);
	usage_operand("a receiver", order->receiver);
}

/* The SendReq: the operand, or else the first line of standard input. */
static SendReq *
read_request(const char *operand)
{
	char *line = NULL;
	ProtobufCMessage *request;
	struct error error;

	if (operand == NULL)
		operand = line = request_line(COMMAND_ARGUMENT_MAX + 1,
		    IO_LINE_ALONE, &error);
	if (operand == NULL)
		diag_die(&error);
	request = pbjson_parse(&send_req__descriptor, request_check, operand,
	    strlen(operand), &error);
	free(line);
	if (request == NULL) {
		error_prefix(&error, "request");
		error.code = EXIT_USAGE;
		diag_die(&error);
	}
	return ((SendReq *)request);
}

static void
print_answer(const SendReq *request, const struct step_figures *figures)
{
	struct buffer out = BUFFER_EMPTY(STEP_LINE_MAX);
	struct error error;

	if (step_line(&out, request, figures) == -1)
		die_errno("the answer");
	if (io_write_all(STDOUT_FILENO, buffer_front(&out), buffer_length(&out),
	    IO_FOREVER, &error) == -1) {
		error_prefix(&error, "the answer");
		diag_die(&error);
	}
	buffer_free(&out);
}

/* SIGTERM and the others: the first of them ends the step. */
static void
take_signals(struct step *step, int64_t now)
{
	const int number = signals_take_end();
	struct error error;

	signals_take(SIGCHLD);
	if (number == 0)
		return;
	error_set(&error, EXIT_SIGNAL + (unsigned)number, "ended by signal %d",
	    number);
	step_end(step, &error, now);
}

/* Run it to its end. */
static void
run(struct step *step, struct progress *progress)
{
	struct pollfd entries[STEP_ENTRIES];
	int64_t now;

	while (!step_over(step)) {
		step_poll(step, entries);
		io_poll(entries, STEP_ENTRIES, io_earlier(step_deadline(step),
		    progress_deadline(progress)));
		now = io_now();
		take_signals(step, now);
		step_handle(step, entries, now);
		progress_tick(progress, step_result(step)->figures.bytes, now);
	}
	progress_end(progress, step_result(step)->figures.bytes);
}

static void
complain(const SendReq *request, const struct error *error)
{
	diag("%s@%s: %s", request->filesystem, request->to->name, error->text);
}

int
step_main(int argc, char *argv[])
{
	struct transfer_order order = { .sender = NULL };
	struct progress progress;
	const struct step_result *result;
	struct error error;
	struct step *step;
	SendReq *request;

	usage_begin("zr-step", usage, argc, argv);
	parse_options(&order, argc, argv);
	order.request = request = read_request(argv[optind]);
	if (progress_open(&progress, io_now(), &error) == -1)
		diag_die(&error);
	chain_clean_environment();
	unsetenv(VERDICT_ENVIRONMENT);
	unsetenv(REQUEST_ENVIRONMENT);
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch_ends();
	step = step_start(&order, io_now(), &error);
	if (step != NULL) {
		run(step, &progress);
		result = step_result(step);
		error = result->error;
		if (error.code == EXIT_DONE)
			print_answer(request, &result->figures);
		else {
			complain(request, &error);
			diag_lines(result->hints, strlen(result->hints));
		}
	} else
		complain(request, &error);
	step_free(step);
	side_pipes_release();
	pbjson_free(&request->base);
	return ((int)error.code);
}
