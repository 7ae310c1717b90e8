/* zr-prune: destroy the snapshots that no rule keeps.  The work is in lib/prune. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"
#include "format/zrepl_name.h"
#include "prune/prune.h"
#include "prune/prune_filter.h"
#include "prune/simulation.h"
#include "transport/chain.h"

static const char usage[] =
    "zr-prune [-Gjv] [-J JOB] [-N TIME] [-S SENDER-LISTING] "
    "(-k RULE | -K FILE) ... LISTING\n"
    "zr-prune [-AGjvy] [-J JOB] [-s SENDER] [-t SECONDS] -e ENDPOINT "
    "(-k RULE | -K FILE) ... [FILESYSTEM ...]\n"
    "zr-prune [-G] -T SPAN -E INTERVAL (-k RULE | -K FILE) ... [PREFIX]";

#define CALL_SECONDS 600

enum form {
	FORM_FILTER = 1,
	FORM_ENDPOINT = 2,
	FORM_SIMULATION = 4
};

/* The forms in which an option has an effect. */
static const struct {
	char option;
	int forms;
} uses[] = {
	{ 'A', FORM_ENDPOINT },
	{ 'E', FORM_SIMULATION },
	{ 'e', FORM_ENDPOINT },
	{ 'J', FORM_FILTER | FORM_ENDPOINT },
	{ 'j', FORM_FILTER | FORM_ENDPOINT },
	{ 'N', FORM_FILTER },
	{ 'S', FORM_FILTER },
	{ 's', FORM_ENDPOINT },
	{ 'T', FORM_SIMULATION },
	{ 't', FORM_ENDPOINT },
	{ 'v', FORM_FILTER | FORM_ENDPOINT },
	{ 'y', FORM_ENDPOINT }
};

struct options {
	struct prune_options prune;
	bool given[128];
	const char *listing;
	const char *sender_listing;
	struct simulation simulation;
};

static int64_t
duration(int option, const char *text)
{
	const char *end = text;
	const int64_t seconds = rules_duration(&end);

	if (seconds == -1 || *end != '\0')
		die(EXIT_USAGE, "-%c wants a duration, a number and one of s m h d w, "
		    "not %s", option, text);
	return (seconds);
}

static void
take_rule(struct rules *rules, int option, const char *text)
{
	struct error error;

	if ((option == 'k' ? rules_add(rules, text, strlen(text), &error) :
	    rules_read(rules, text, &error)) == 0)
		return;
	error_prefix(&error, "-%c", option);
	diag_die(&error);
}

static void
take_option(struct options *options, int option, char *text)
{
	struct prune_options *prune_options = &options->prune;
	struct judgement *judgement = &prune_options->judgement;

	options->given[option & 127] = true;
	switch (option) {
	case 'A':
		prune_options->anyway = true;
		break;
	case 'E':
		options->simulation.interval = duration('E', text);
		break;
	case 'e':
		prune_options->endpoint = text;
		break;
	case 'G':
		judgement->floor = true;
		break;
	case 'J':
		judgement->job = text;
		break;
	case 'j':
		prune_options->style.json = true;
		break;
	case 'K':
	case 'k':
		take_rule(&judgement->rules, option, text);
		break;
	case 'N':
		if (!rfc3339_parse(text, &judgement->now))
			die(EXIT_USAGE, "-N wants a time in RFC 3339, such as "
			    "2026-11-30T12:00:00Z, not %s", text);
		break;
	case 'S':
		options->sender_listing = text;
		break;
	case 's':
		prune_options->sender = text;
		break;
	case 'T':
		options->simulation.span = duration('T', text);
		break;
	case 't':
		prune_options->call_ms = 1000 * usage_number('t', "seconds", text, 1,
		    86400);
		break;
	case 'v':
		prune_options->style.verbose = true;
		break;
	case 'y':
		prune_options->destroy = true;
		break;
	}
}

static void
check_uses(const struct options *options, enum form form)
{
	static const char *const names[] = {
		[FORM_FILTER] = "a listing",
		[FORM_ENDPOINT] = "an endpoint (-e)",
		[FORM_SIMULATION] = "a simulation (-T)"
	};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (options->given[(int)uses[i].option] &&
		    (uses[i].forms & (int)form) == 0)
			die(EXIT_USAGE, "-%c has no effect with %s", uses[i].option,
			    names[form]);
}

/* Do the rules go together with the options? */
static void
check_rules(const struct options *options, enum form form)
{
	const struct judgement *judgement = &options->prune.judgement;
	const bool replicated =
	    rules_have(&judgement->rules, RULE_NOT_REPLICATED);

	if (judgement->rules.count == 0)
		die(EXIT_USAGE, "there is no rule: -k RULE or -K FILE");
	if (replicated && form == FORM_SIMULATION)
		die(EXIT_USAGE, "not_replicated has no place in a simulation");
	if (replicated && judgement->floor)
		die(EXIT_USAGE, "not_replicated and -G exclude each other: zr-guard(1) "
		    "has no such rule");
	if (replicated && judgement->job == NULL)
		die(EXIT_USAGE, "not_replicated wants to know whose cursors count: "
		    "-J JOB");
	if (judgement->job != NULL && !replicated)
		die(EXIT_USAGE, "-J has no effect without a rule not_replicated");
	if (judgement->job != NULL && !zrepl_job_valid(judgement->job))
		die(EXIT_USAGE, "-J wants a job's name (" ZREPL_JOB_RULE "), not %s",
		    judgement->job);
	if (options->given['N'] && !judgement->floor)
		die(EXIT_USAGE, "-N has no effect without -G");
	if (options->prune.style.json && options->prune.style.verbose)
		die(EXIT_USAGE, "-v is for text only: -j says everything");
}

static void
check_filter(struct options *options, int count, char *operands[])
{
	const char *sender = options->sender_listing;

	if (count != 1)
		usage_die(usage);
	options->listing = operands[0];
	if (sender != NULL && strcmp(sender, "-") == 0 &&
	    strcmp(options->listing, "-") == 0)
		die(EXIT_USAGE, "only one listing can be standard input");
	if (!options->given['N'])
		options->prune.judgement.now = io_time_of_day();
}

static void
check_endpoint(struct options *options, int count, char *operands[])
{
	struct prune_options *prune_options = &options->prune;

	usage_operand("an endpoint", prune_options->endpoint);
	if (prune_options->sender != NULL)
		usage_operand("a sender", prune_options->sender);
	for (int i = 0; i < count; i++)
		if (!fs_name_valid_filesystem(operands[i]))
			die(EXIT_USAGE, "%s is not the name of a filesystem",
			    operands[i]);
	prune_options->filesystems = operands;
	prune_options->filesystem_count = (size_t)count;
	prune_options->judgement.now = io_time_of_day();
}

static void
check_simulation(struct options *options, int count, char *operands[])
{
	struct simulation *simulation = &options->simulation;

	if (simulation->span == 0 || simulation->interval == 0 || count > 1)
		usage_die(usage);
	if (simulation->span / simulation->interval >= SIMULATION_MAX)
		die(EXIT_USAGE, "a simulation of more than %d snapshots",
		    SIMULATION_MAX);
	simulation->prefix = count == 1 ? operands[0] : "zr_";
	if (!fs_name_valid_snapshot(simulation->prefix))
		die(EXIT_USAGE, "%s cannot begin the name of a snapshot",
		    simulation->prefix);
	simulation->judgement = &options->prune.judgement;
}

static enum form
parse_options(struct options *options, int argc, char *argv[])
{
	enum form form = FORM_FILTER;
	int option;

	*options = (struct options){ .prune.call_ms = CALL_SECONDS * 1000 };
	while ((option = usage_getopt(usage, argc, argv,
	    "+AE:e:GhJ:jK:k:N:S:s:T:t:vy")) != -1)
		take_option(options, option, optarg);
	if (options->given['e'])
		form = FORM_ENDPOINT;
	else if (options->given['T'] || options->given['E'])
		form = FORM_SIMULATION;
	else if (argc == optind)
		usage_die(usage);
	check_uses(options, form);
	check_rules(options, form);
	argc -= optind;
	argv += optind;
	if (form == FORM_FILTER)
		check_filter(options, argc, argv);
	else if (form == FORM_ENDPOINT)
		check_endpoint(options, argc, argv);
	else
		check_simulation(options, argc, argv);
	return (form);
}

static void
read_listing(struct listing *listing, const char *path)
{
	struct error error;

	if (listing_read(listing, path, &error) == -1)
		diag_die(&error);
}

static int
filter(const struct options *options)
{
	struct listing listing = { .count = 0 }, sender = { .count = 0 };
	int code;

	read_listing(&listing, options->listing);
	if (options->sender_listing != NULL)
		read_listing(&sender, options->sender_listing);
	code = prune_filter(&options->prune.judgement, options->prune.style,
	    &listing, options->sender_listing != NULL ? &sender : NULL);
	listing_free(&listing);
	listing_free(&sender);
	return (code);
}

static int
prune_endpoint(const struct options *options)
{
	chain_clean_environment();
	if (options->prune.judgement.floor)
		setenv("ZR_LIST_ORDER", "arrival", 1);
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch_ends();
	return (prune(&options->prune));
}

static int
simulate(const struct options *options)
{
	struct error error;

	if (simulation_run(&options->simulation, &error) == -1)
		diag_die(&error);
	return (EXIT_DONE);
}

int
main(int argc, char *argv[])
{
	struct options options;
	int code;

	usage_begin("zr-prune", usage, argc, argv);
	switch (parse_options(&options, argc, argv)) {
	case FORM_ENDPOINT:
		code = prune_endpoint(&options);
		break;
	case FORM_SIMULATION:
		code = simulate(&options);
		break;
	default:
		code = filter(&options);
		break;
	}
	rules_free(&options.prune.judgement.rules);
	return (code);
}
