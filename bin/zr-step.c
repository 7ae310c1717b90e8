/*
 * zr-step: one replication step between two endpoints.  The work is in
 * lib/endpoint/step.c.
 */
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "endpoint/command.h"
#include "endpoint/step.h"
#include "endpoint/verdict.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"
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
	static char line[COMMAND_ARGUMENT_MAX + 1];
	ProtobufCMessage *request;
	struct error error;

	if (operand == NULL) {
		if (io_read_line(STDIN_FILENO, line, sizeof(line), IO_FOREVER,
		    &error) == -1)
			die(error.code == EXIT_SYSTEM ? EXIT_SYSTEM : EXIT_USAGE,
			    "no request (a SendReq) on standard input%s%s",
			    error.text[0] != '\0' ? ": " : "", error.text);
		if (request_check_line(line, strlen(line), &error) == -1) {
			error_prefix(&error, "request");
			diag_die(&error);
		}
		operand = line;
	}
	request = pbjson_parse(&send_req__descriptor, operand, strlen(operand),
	    &error);
	if (request == NULL || request_check(request, &error) == -1) {
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
	json_t *answer;
	char *text;

	answer = json_pack("{ss ss* ss sb sf}",
	    "filesystem", request->filesystem,
	    "from", request->from != NULL ? request->from->name : NULL,
	    "to", request->to->name,
	    "resumed", result->used_resume_token,
	    "seconds", (double)result->elapsed_ms / 1000);
	if (answer != NULL && result->bytes_known)
		json_object_set_new(answer, "bytes",
		    json_integer((json_int_t)result->bytes));
	text = answer == NULL ? NULL :
	    json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (text == NULL)
		die(EXIT_SYSTEM, "cannot print the answer");
	if (puts(text) == EOF || fflush(stdout) == EOF)
		die_errno("the answer");
	free(text);
	json_decref(answer);
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

	diag_init("zr-step");
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
	protobuf_c_message_free_unpacked(&request->base, NULL);
	return (outcome == -1 ? (int)error.code : EXIT_DONE);
}
