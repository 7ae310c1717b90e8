/*
 * zr-plan: which steps bring a receiver up to date, from the listings of both sides.
 * The work is in lib/plan.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "plan/plan_order.h"
#include "plan/plan_print.h"
#include "plan/plan_set.h"

static const char usage[] =
    "zr-plan [-j | -S] [-v] " PLAN_OPTIONS_USAGE
    " SENDER-LISTING RECEIVER-LISTING";

struct options {
	struct plan_options plan;
	bool json;
	bool steps;
	bool verbose;
};

static void
parse_options(struct options *options, int argc, char *argv[])
{
	struct error error;
	int option;

	*options = (struct options){ .plan = PLAN_OPTIONS_DEFAULT };
	while ((option = usage_getopt(usage, argc, argv, "+hjSv" PLAN_OPTIONS)) != -1)
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'S':
			options->steps = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		default:
			switch (plan_options_take(&options->plan, option, optarg,
			    &error)) {
			case -1:
				diag_die(&error);
			case 0:
				usage_die(usage);
			}
		}
	if (argc - optind != 2)
		usage_die(usage);
	if (options->json && options->steps)
		die(EXIT_USAGE, "-j and -S exclude each other");
	if (options->verbose && (options->json || options->steps))
		die(EXIT_USAGE, "-v is for text only: -j says everything, and -S "
		    "only the steps");
	if (options->steps && options->plan.map.count > 0)
		die(EXIT_USAGE, "-m has no place in a SendReq: use -j, which has "
		    "\"destination\", and zr-step -d");
	if (strcmp(argv[optind], "-") == 0 && strcmp(argv[optind + 1], "-") == 0)
		die(EXIT_USAGE, "only one listing can be standard input");
}

static void
read_listing(struct listing *listing, const char *path)
{
	struct error error;

	if (listing_read(listing, path, &error) == -1)
		diag_die(&error);
}

/*
 * -S: all steps in the order in which they can be run one after the other.  The order
 * comes first in any case, as it turns plans whose parents cannot be made into errors.
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
		print_or_die(out);
		plan_order_done(order, plan, true);
	}
}

static void
print_plan(const struct plan *plan, const struct options *options,
    struct buffer *out)
{
	struct error error;

	if ((options->json ? plan_print_json(out, plan, &options->plan.rules, &error) :
	    plan_print_text(out, plan, options->verbose, &error)) == -1)
		diag_die(&error);
	print_or_die(out);
}

int
main(int argc, char *argv[])
{
	struct buffer out = BUFFER_EMPTY(PLAN_TEXT_MAX);
	struct listing sender = { .count = 0 }, receiver = { .count = 0 };
	struct options options;
	struct plan_order *order;
	struct plan_set set;
	struct error error;
	int result = EXIT_DONE;

	usage_begin("zr-plan", usage, argc, argv);
	parse_options(&options, argc, argv);
	read_listing(&sender, argv[optind]);
	read_listing(&receiver, argv[optind + 1]);
	if (plan_set_make(&set, &options.plan, &sender, &receiver, &error) == -1)
		diag_die(&error);
	order = plan_order_new(set.plans, set.count);
	if (order == NULL)
		die_errno("plans");
	if (options.steps)
		print_steps(order, &options.plan.rules, &out);
	for (size_t i = 0; i < set.count; i++) {
		const struct plan *plan = &set.plans[i];

		if (plan_failed(plan))
			result = EXIT_FAILED;
		if (!options.steps)
			print_plan(plan, &options, &out);
		else if (plan_failed(plan))
			diag("%s: %s", plan->sender->filesystem, plan->message);
	}
	plan_order_free(order);
	plan_set_free(&set);
	buffer_free(&out);
	listing_free(&sender);
	listing_free(&receiver);
	plan_options_free(&options.plan);
	return (result);
}
