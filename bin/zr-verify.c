/*
 * zr-verify: do two endpoints hold the same snapshots?  The work is in lib/verify.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/signals.h"
#include "format/fs_name.h"
#include "transport/chain.h"
#include "verify/verify.h"

static const char usage[] =
    "zr-verify [-jqv] [-a ATTEMPTS] [-m FROM=TO] ... [-N NUMBER] [-P NUMBER] "
    "[-t SECONDS] [-W SECONDS] -s SENDER -r RECEIVER [FILESYSTEM | SNAPSHOT] ...";

#define SECONDS_MAX	(30 * 86400)
#define PARALLEL_MAX	256
#define SNAPSHOTS_MAX	10000

static int64_t
milliseconds(int option, const char *text, int64_t least)
{
	return (1000 * usage_number(option, "seconds", text, least, SECONDS_MAX));
}

static void
take_map(struct name_map *map, const char *text)
{
	struct error error;

	if (name_map_add(map, text, &error) == 0)
		return;
	error_prefix(&error, "-m");
	diag_die(&error);
}

static void
take_option(struct verify_options *options, int option, const char *text)
{
	switch (option) {
	case 'a':
		options->attempts = (size_t)usage_number('a', "attempts", text, 1, 1000);
		break;
	case 'j':
		options->json = true;
		break;
	case 'm':
		take_map(&options->map, text);
		break;
	case 'N':
		options->snapshots = (size_t)usage_number('N', "snapshots", text, 1,
		    SNAPSHOTS_MAX);
		break;
	case 'P':
		options->parallel = (size_t)usage_number('P', "comparisons", text, 1,
		    PARALLEL_MAX);
		break;
	case 'q':
		options->quiet = true;
		break;
	case 'r':
		options->receiver = text;
		break;
	case 's':
		options->sender = text;
		break;
	case 't':
		options->call_ms = milliseconds('t', text, 1);
		break;
	case 'v':
		options->verbose = true;
		break;
	case 'W':
		options->stall_ms = milliseconds('W', text, 0);
		break;
	}
}

static void
check_operand(const char *operand)
{
	const size_t length = strcspn(operand, "@");
	char *filesystem = strndup(operand, length);

	if (filesystem == NULL)
		die_errno("an operand");
	if (!fs_name_valid_filesystem(filesystem) || (operand[length] == '@' &&
	    !fs_name_valid_snapshot(operand + length + 1)))
		die(EXIT_USAGE, "%s is not the name of a filesystem or a snapshot",
		    operand);
	free(filesystem);
}

static void
parse_options(struct verify_options *options, int argc, char *argv[])
{
	int option;

	*options = VERIFY_DEFAULT;
	while ((option = usage_getopt(usage, argc, argv, "+a:hjm:N:P:qr:s:t:vW:")) != -1)
		take_option(options, option, optarg);
	if (options->sender == NULL || options->receiver == NULL)
		usage_die(usage);
	usage_operand("a sender", options->sender);
	usage_operand("a receiver", options->receiver);
	if (strcmp(options->sender, options->receiver) == 0 && options->map.count == 0)
		die(EXIT_USAGE, "-s and -r are the same, and without -m that compares "
		    "each filesystem with itself");
	for (int i = optind; i < argc; i++)
		check_operand(argv[i]);
	options->operands = argv + optind;
	options->operand_count = (size_t)(argc - optind);
}

int
main(int argc, char *argv[])
{
	struct verify_options options;
	int code;

	usage_begin("zr-verify", usage, argc, argv);
	parse_options(&options, argc, argv);
	chain_clean_environment();
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch(SIGUSR1);
	signals_catch_ends();
	code = verify(&options);
	name_map_free(&options.map);
	return (code);
}
