/*
 * zr-step: one replication step between two endpoints.  The work is in
 * lib/endpoint/step.c.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "endpoint/verdict.h"
#include "message/json_text.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"
#include "step/command.h"
#include "step/step.h"
#include "transport/chain.h"

static const char usage[] =
    "zr-step [-d FILESYSTEM] -s SENDER -r RECEIVER [REQUEST]";

static void
parse_options(struct step *step, int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "+d:hr:s:")) != -1)
		switch (option) {
		case 'd':
			step->destination = optarg;
			break;
		case 'h':
			usage_help(usage);
		case 'r':
			step->receiver = optarg;
			break;
		case 's':
			step->sender = optarg;
			break;
		default:
			usage_die(usage);
		}
	if (step->sender == NULL || step->receiver == NULL || argc - optind > 1)
		usage_die(usage);
	usage_operand("a sender", step->sender);
	usage_operand("a receiver", step->receiver);
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

/* A signal that our starter ignores (nohup) stays ignored. */
static void
catch_unless_ignored(int signal_number)
{
	struct sigaction now;

	if (sigaction(signal_number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		signals_catch(signal_number);
}

static void
print_answer(const struct step *step, const struct step_result *result)
{
	const SendReq *request = step->request;
	struct buffer out = BUFFER_EMPTY(1 << 20);
	char seconds[32], bytes[32];
	struct error error;

	snprintf(seconds, sizeof(seconds), "%.3f",
	    (double)result->elapsed_ms / 1000);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, result->bytes);
	if (json_text_member(&out, "filesystem", request->filesystem) == -1 ||
	    json_text_member(&out, "from", request->from != NULL ?
	    request->from->name : NULL) == -1 ||
	    json_text_member(&out, "to", request->to->name) == -1 ||
	    json_text_raw_member(&out, "resumed",
	    result->used_resume_token ? "true" : "false") == -1 ||
	    json_text_raw_member(&out, "seconds", seconds) == -1 ||
	    (result->bytes_known &&
	    json_text_raw_member(&out, "bytes", bytes) == -1) ||
	    json_text_raw(&out, "}\n") == -1)
		die_errno("the answer");
	if (io_write_all(STDOUT_FILENO, buffer_front(&out), buffer_length(&out),
	    IO_FOREVER, &error) == -1) {
		error_prefix(&error, "the answer");
		diag_die(&error);
	}
	buffer_free(&out);
}

int
main(int argc, char *argv[])
{
	struct progress progress;
	struct step step = { .progress = &progress };
	struct step_result result;
	struct error error;
	SendReq *request;
	int outcome;

	usage_begin("zr-step", usage, argc, argv);
	parse_options(&step, argc, argv);
	step.request = request = read_request(argv[optind]);
	if (progress_open(&progress, io_now(), &error) == -1)
		diag_die(&error);
	chain_clean_environment();
	unsetenv(VERDICT_ENVIRONMENT);
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	catch_unless_ignored(SIGINT);
	catch_unless_ignored(SIGHUP);
	outcome = step_run(&step, &result, &error);
	if (outcome == -1) {
		diag("%s@%s: %s", request->filesystem, request->to->name,
		    error.text);
		diag_lines(result.hints, strlen(result.hints));
	} else
		print_answer(&step, &result);
	pbjson_free(&request->base);
	return (outcome == -1 ? (int)error.code : EXIT_DONE);
}
