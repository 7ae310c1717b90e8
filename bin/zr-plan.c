/*
 * zr-plan: which steps bring a receiver up to date, from the listings of both sides.
 * The work is in lib/plan.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "plan/name_map.h"
#include "plan/plan_order.h"
#include "plan/plan_print.h"
#include "plan/rename.h"

static const char usage[] =
    "zr-plan [-j | -S] [-lv] [-g INITIAL[,INCREMENTAL]] "
    "[-I most_recent | all | fail] [-i REGEX] [-m FROM=TO] ... [-x REGEX] "
    "SENDER-LISTING RECEIVER-LISTING";

struct options {
	struct plan_rules rules;
	struct name_map map;
	bool json;
	bool steps;
	bool verbose;
};

/* The receiver's names, one for each plan. */
typedef char destination[FS_NAME_MAX + 1];

static void
parse_pattern(struct pattern **pattern, int option, const char *text)
{
	struct error error;

	if (*pattern != NULL)
		die(EXIT_USAGE, "-%c can be given once: join the expressions "
		    "with |", option);
	*pattern = pattern_compile(text, &error);
	if (*pattern == NULL) {
		error_prefix(&error, "-%c", option);
		diag_die(&error);
	}
}

static ReplicationGuaranteeKind
parse_guarantee(const char *text)
{
	if (strcmp(text, "resumability") == 0)
		return (REPLICATION_GUARANTEE_KIND__GuaranteeResumability);
	if (strcmp(text, "incremental") == 0)
		return (REPLICATION_GUARANTEE_KIND__GuaranteeIncrementalReplication);
	if (strcmp(text, "nothing") == 0)
		return (REPLICATION_GUARANTEE_KIND__GuaranteeNothing);
	die(EXIT_USAGE, "-g: %s is not a guarantee: resumability, incremental or "
	    "nothing", text);
}

/* INITIAL[,INCREMENTAL] */
static void
parse_guarantees(struct plan_rules *rules, char *text)
{
	char *comma = strchr(text, ',');

	if (comma != NULL)
		*comma = '\0';
	rules->protect_initial = parse_guarantee(text);
	rules->protect_incremental = comma != NULL ?
	    parse_guarantee(comma + 1) : rules->protect_initial;
}

static enum plan_initial
parse_initial(const char *text)
{
	if (strcmp(text, "most_recent") == 0)
		return (PLAN_INITIAL_MOST_RECENT);
	if (strcmp(text, "all") == 0)
		return (PLAN_INITIAL_ALL);
	if (strcmp(text, "fail") == 0)
		return (PLAN_INITIAL_FAIL);
	die(EXIT_USAGE, "-I: %s is not a policy: most_recent, all or fail", text);
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	struct error error;
	int option;

	*options = (struct options){ .rules = PLAN_RULES_DEFAULT };
	while ((option = getopt(argc, argv, "+g:hI:i:jlm:Svx:")) != -1)
		switch (option) {
		case 'g':
			parse_guarantees(&options->rules, optarg);
			break;
		case 'h':
			usage_help(usage);
		case 'I':
			options->rules.initial = parse_initial(optarg);
			break;
		case 'i':
			parse_pattern(&options->rules.include, 'i', optarg);
			break;
		case 'j':
			options->json = true;
			break;
		case 'l':
			options->rules.newest_only = true;
			break;
		case 'm':
			if (name_map_add(&options->map, optarg, &error) == -1) {
				error_prefix(&error, "-m");
				diag_die(&error);
			}
			break;
		case 'S':
			options->steps = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'x':
			parse_pattern(&options->rules.exclude, 'x', optarg);
			break;
		default:
			usage_die(usage);
		}
	if (argc - optind != 2)
		usage_die(usage);
	if (options->json && options->steps)
		die(EXIT_USAGE, "-j and -S exclude each other");
	if (options->verbose && (options->json || options->steps))
		die(EXIT_USAGE, "-v is for text only: -j says everything, and -S "
		    "only the steps");
	if (options->steps && options->map.count > 0)
		die(EXIT_USAGE, "-m has no place in a SendReq: use -j, which has "
		    "\"destination\", and zr-step -d");
	if (strcmp(argv[optind], "-") == 0 && strcmp(argv[optind + 1], "-") == 0)
		die(EXIT_USAGE, "only one listing can be standard input");
}

static void
read_listing(struct listing *listing, const char *path)
{
	int fd = STDIN_FILENO;
	struct error error;

	if (strcmp(path, "-") != 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		die_errno("%s", path);
	if (listing_read(listing, fd, &error) == -1) {
		error_prefix(&error, "%s", path);
		diag_die(&error);
	}
	if (fd != STDIN_FILENO)
		io_close(&fd);
}

/* --- the plans --- */

static int
compare_destinations(const void *left, const void *right)
{
	return (strcmp((*(const struct plan *const *)left)->destination,
	    (*(const struct plan *const *)right)->destination));
}

/* Two filesystems cannot become one. */
static void
check_destinations(const struct plan *plans, size_t count)
{
	const struct plan **sorted = calloc(count + 1, sizeof(*sorted));

	if (sorted == NULL)
		die_errno("destinations");
	for (size_t i = 0; i < count; i++)
		sorted[i] = &plans[i];
	qsort(sorted, count, sizeof(*sorted), compare_destinations);
	for (size_t i = 1; i < count; i++)
		if (compare_destinations(&sorted[i - 1], &sorted[i]) == 0)
			die(EXIT_USAGE, "%s and %s would both be %s at the receiver",
			    sorted[i - 1]->sender->filesystem,
			    sorted[i]->sender->filesystem,
			    sorted[i]->destination);
	free(sorted);
}

static struct plan *
make_plans(const struct options *options, const struct listing *sender,
    const struct listing *receiver, destination *names)
{
	struct plan *plans = calloc(sender->count + 1, sizeof(*plans));
	struct rename_index *renames;
	struct error error;
	bool named;

	if (plans == NULL || names == NULL)
		die_errno("plans");
	for (size_t i = 0; i < sender->count; i++) {
		const Listing *filesystem = sender->filesystems[i];

		named = name_map_apply(&options->map, filesystem->filesystem,
		    names[i], &error) == 0;
		if (named && plan_make(&plans[i], &options->rules, filesystem,
		    listing_find(receiver, names[i]), names[i], &error) == 0)
			continue;
		if (named)
			diag_die(&error);
		plans[i] = (struct plan){ .sender = filesystem,
		    .destination = filesystem->filesystem };
		plan_fail(&plans[i], PLAN_ERROR, PLAN_LISTING, "%s", error.text);
	}
	check_destinations(plans, sender->count);
	renames = rename_index_new(receiver, plans, sender->count);
	if (renames == NULL)
		die_errno("plans");
	for (size_t i = 0; i < sender->count; i++)
		rename_advise(renames, &plans[i]);
	rename_index_free(renames);
	return (plans);
}

static void
write_out(struct buffer *out)
{
	struct error error;

	if (io_write_all(STDOUT_FILENO, buffer_front(out), buffer_length(out),
	    IO_FOREVER, &error) == -1) {
		error_prefix(&error, "standard output");
		diag_die(&error);
	}
	buffer_consume(out, buffer_length(out));
}

/*
 * -S: all steps in the order in which they can be run one after the other.  The order
 * turns plans whose parents cannot be made into errors, so it comes first in any case.
 */
static void
print_steps(struct plan_order *order, const struct plan_rules *rules,
    struct buffer *out)
{
	struct plan *plan;
	struct error error;
	size_t step;

	while ((plan = plan_order_next(order, &step)) != NULL) {
		if (plan_print_request(out, plan, &plan->steps[step], rules,
		    &error) == -1)
			diag_die(&error);
		write_out(out);
		plan_order_done(order, plan, true);
	}
}

static void
print_plan(const struct plan *plan, const struct options *options,
    struct buffer *out)
{
	struct error error;

	if ((options->json ? plan_print_json(out, plan, &options->rules, &error) :
	    plan_print_text(out, plan, options->verbose, &error)) == -1)
		diag_die(&error);
	write_out(out);
}

int
main(int argc, char *argv[])
{
	struct buffer out = BUFFER_EMPTY(PLAN_TEXT_MAX);
	struct listing sender = { .count = 0 }, receiver = { .count = 0 };
	struct options options;
	struct plan_order *order;
	destination *names;
	struct plan *plans;
	int result = EXIT_DONE;

	usage_begin("zr-plan", usage, argc, argv);
	parse_options(&options, argc, argv);
	read_listing(&sender, argv[optind]);
	read_listing(&receiver, argv[optind + 1]);
	names = calloc(sender.count + 1, sizeof(*names));
	plans = make_plans(&options, &sender, &receiver, names);
	order = plan_order_new(plans, sender.count);
	if (order == NULL)
		die_errno("plans");
	if (options.steps)
		print_steps(order, &options.rules, &out);
	for (size_t i = 0; i < sender.count; i++) {
		if (plan_failed(&plans[i]))
			result = EXIT_FAILED;
		if (!options.steps)
			print_plan(&plans[i], &options, &out);
		else if (plan_failed(&plans[i]))
			diag("%s: %s", plans[i].sender->filesystem,
			    plans[i].message);
		plan_free(&plans[i]);
	}
	plan_order_free(order);
	free(plans);
	free(names);
	buffer_free(&out);
	listing_free(&sender);
	listing_free(&receiver);
	name_map_free(&options.map);
	pattern_free(options.rules.include);
	pattern_free(options.rules.exclude);
	return (result);
}
