/*
 * zr-replicate: every filesystem of one endpoint to another.  The work is in
 * lib/replicate.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/signals.h"
#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "format/fs_name.h"
#include "message/request.h"
#include "replicate/events_file.h"
#include "replicate/replicate.h"
#include "transport/chain.h"

#include "core/core.h"

static const char usage[] =
    "zr-replicate [-jnqv] [-a ATTEMPTS] [-e FILE] [-J JOB] [-P NUMBER] "
    "[-t SECONDS] [-W SECONDS] [-w SECONDS] [-Z NUMBER] " PLAN_OPTIONS_USAGE
    " -s SENDER -r RECEIVER [FILESYSTEM ...]";

#define SECONDS_MAX	(30 * 86400)
#define PARALLEL_MAX	256
#define SIZES		4	/* SendDry calls at once, where somebody looks */

static int64_t
milliseconds(int option, const char *text, int64_t least)
{
	return (1000 * usage_number(option, "seconds", text, least, SECONDS_MAX));
}

/* Options that take effect once the whole command line is known to be valid. */
static int64_t sizes = -1;		/* -1: -Z was not given */
static const char *events;		/* NULL: -e was not given */

static void
take_option(struct replicate_options *options, int option, char *text)
{
	struct error error;

	switch (option) {
	case 'a':
		options->attempts = (size_t)usage_number('a', "attempts", text, 1, 1000);
		return;
	case 'e':
		events = text;
		return;
	case 'J':
		options->job = text;
		return;
	case 'j':
		options->json = true;
		return;
	case 'n':
		options->dry_run = true;
		return;
	case 'P':
		options->parallel = (size_t)usage_number('P', "steps", text, 1,
		    PARALLEL_MAX);
		return;
	case 'q':
		options->quiet = true;
		return;
	case 'r':
		options->receiver = text;
		return;
	case 's':
		options->sender = text;
		return;
	case 't':
		options->call_ms = milliseconds('t', text, 1);
		return;
	case 'v':
		options->verbose = true;
		return;
	case 'W':
		options->stall_ms = milliseconds('W', text, 0);
		return;
	case 'w':
		options->contact_ms = milliseconds('w', text, 0);
		return;
	case 'Z':
		sizes = usage_number('Z', "calls", text, 0, PARALLEL_MAX);
		return;
	default:
		break;
	}
	switch (plan_options_take(&options->plan, option, text, &error)) {
	case -1:
		diag_die(&error);
	case 0:
		usage_die(usage);
	}
}

static void
open_events(struct replicate_options *options)
{
	struct error error;

	options->events = events_file_open(events, options->job,
	    &options->last_successful, &error);
	if (options->events == -1)
		diag_die(&error);
}

static void
parse_options(struct replicate_options *options, int argc, char *argv[])
{
	int option;

	*options = REPLICATE_DEFAULT;
	while ((option = usage_getopt(usage, argc, argv, "+a:e:hJ:jnP:qr:s:t:vW:w:Z:"
	    PLAN_OPTIONS)) != -1)
		take_option(options, option, optarg);
	if (options->sender == NULL || options->receiver == NULL)
		usage_die(usage);
	usage_operand("a sender", options->sender);
	usage_operand("a receiver", options->receiver);
	if (options->job != NULL && events == NULL)
		die(EXIT_USAGE, "-J names the job in the events: -e FILE");
	options->filesystems = argv + optind;
	options->filesystem_count = (size_t)(argc - optind);
	for (int i = optind; i < argc; i++)
		if (!fs_name_valid_filesystem(argv[i]))
			die(EXIT_USAGE, "%s is not the name of a filesystem",
			    argv[i]);
	if (events != NULL)
		open_events(options);
	if (sizes != -1)
		options->sizes = (size_t)sizes;
	else if (options->dry_run ||
	    (!options->quiet && isatty(STDERR_FILENO) == 1))
		options->sizes = SIZES;
}

int
replicate_main(int argc, char *argv[])
{
	struct replicate_options options;
	int code;

	usage_begin("zr-replicate", usage, argc, argv);
	parse_options(&options, argc, argv);
	chain_clean_environment();
	unsetenv(VERDICT_ENVIRONMENT);
	unsetenv(REQUEST_ENVIRONMENT);
	unsetenv("ZR_PROGRESS");
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch(SIGUSR1);
	signals_catch_ends();
	code = replicate(&options);
	plan_options_free(&options.plan);
	return (code);
}
