/*
 * zr-check: are the snapshots of a listing young enough, and replicated?  The work is in
 * lib/watch.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "format/rfc3339.h"
#include "message/json_text.h"
#include "watch/age.h"
#include "watch/check_print.h"

static const char usage[] =
    "zr-check [-j | -m] [-C AGE] [-c AGE] [-L NUMBER[,NUMBER]] [-M FROM=TO ...] "
    "[-p REGEX] [-T TIME] [-W AGE] [-w AGE] LISTING [RECEIVER-LISTING]";

enum form { FORM_TEXT, FORM_JSON, FORM_METRICS };

struct options {
	enum form form;
	struct check_rules rules;
	struct pattern *pattern;
	struct name_map map;
};

static void __attribute__((noreturn))
end(const struct options *options, const struct error *error)
{
	struct buffer out = BUFFER_EMPTY(CHECK_TEXT_MAX);
	struct error written;

	/* A monitor shows standard output. */
	if (options->form == FORM_TEXT &&
	    json_text_raw(&out, "UNKNOWN: ") == 0 &&
	    check_print_message(&out, error->text) == 0 &&
	    json_text_raw(&out, "\n") == 0 &&
	    io_write_all(STDOUT_FILENO, buffer_front(&out), buffer_length(&out),
	    IO_FOREVER, &written) == 0)
		exit(check_exit_code(CHECK_UNKNOWN));
	diag_die(error);
}

static int64_t
age(int option, const char *text)
{
	int64_t seconds;

	if (!age_parse(&seconds, text))
		die(EXIT_USAGE, "-%c wants an age, a number and one of s m h d w, "
		    "not %s", option, text);
	return (seconds);
}

/* NUMBER[,NUMBER] */
static void
take_behind(struct check_limit *limit, char *text)
{
	char *comma = strchr(text, ',');

	if (comma != NULL) {
		*comma = '\0';
		limit->critical = usage_number('L', "snapshots", comma + 1, 0,
		    INT32_MAX);
	}
	limit->warning = usage_number('L', "snapshots", text, 0, INT32_MAX);
}

static void
take_form(struct options *options, enum form form)
{
	if (options->form != FORM_TEXT && options->form != form)
		die(EXIT_USAGE, "-j and -m exclude each other");
	options->form = form;
}

static void
take_option(struct options *options, int option, char *text)
{
	struct check_rules *rules = &options->rules;
	struct error error;

	switch (option) {
	case 'C':
		rules->oldest.critical = age('C', text);
		break;
	case 'c':
		rules->newest.critical = age('c', text);
		break;
	case 'j':
		take_form(options, FORM_JSON);
		break;
	case 'L':
		take_behind(&rules->behind, text);
		break;
	case 'M':
		if (name_map_add(&options->map, text, &error) == -1)
			diag_die(&error);
		break;
	case 'm':
		take_form(options, FORM_METRICS);
		break;
	case 'p':
		if (options->pattern != NULL)
			die(EXIT_USAGE, "-p can be given once: join the expressions "
			    "with |");
		options->pattern = pattern_compile(text, &error);
		if (options->pattern == NULL)
			diag_die(&error);
		break;
	case 'T':
		if (!rfc3339_parse(text, &rules->now))
			die(EXIT_USAGE, "-T wants a time, such as "
			    "2026-11-30T12:00:00Z, not %s", text);
		break;
	case 'W':
		rules->oldest.warning = age('W', text);
		break;
	case 'w':
		rules->newest.warning = age('w', text);
		break;
	}
}

/* A limit whose warning comes after its critical state would never warn. */
static void
check_limit(const struct check_limit *limit, const char *warning,
    const char *critical)
{
	if (limit->critical != CHECK_NO_LIMIT && limit->warning > limit->critical)
		die(EXIT_USAGE, "%s is beyond %s", warning, critical);
}

static bool
is_set(const struct check_limit *limit)
{
	return (limit->warning != CHECK_NO_LIMIT ||
	    limit->critical != CHECK_NO_LIMIT);
}

static void
check_options(const struct options *options, int operands)
{
	const struct check_rules *rules = &options->rules;

	if (operands < 1 || operands > 2)
		usage_die(usage);
	if (operands == 1 && (is_set(&rules->behind) || options->map.count > 0))
		die(EXIT_USAGE, "-L and -M are for two listings");
	if (options->form == FORM_METRICS && (is_set(&rules->newest) ||
	    is_set(&rules->oldest) || is_set(&rules->behind)))
		die(EXIT_USAGE, "-m judges nothing: -C, -c, -L, -W and -w have no "
		    "effect");
	check_limit(&rules->newest, "-w", "-c");
	check_limit(&rules->oldest, "-W", "-C");
	check_limit(&rules->behind, "the warning of -L", "its critical number");
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	static const struct check_limit none = { CHECK_NO_LIMIT, CHECK_NO_LIMIT };
	int option;

	*options = (struct options){ .rules = { .now = io_time_of_day(),
	    .newest = none, .oldest = none, .behind = none } };
	while ((option = usage_getopt(usage, argc, argv, "+C:c:hjL:M:mp:T:W:w:")) != -1)
		take_option(options, option, optarg);
	options->rules.pattern = options->pattern;
	options->rules.map = &options->map;
	check_options(options, argc - optind);
	if (argc - optind == 2 && strcmp(argv[optind], "-") == 0 &&
	    strcmp(argv[optind + 1], "-") == 0)
		die(EXIT_USAGE, "only one listing can be standard input");
}

static const char *
name_of(const char *path)
{
	return (strcmp(path, "-") == 0 ? "standard input" : path);
}

static void
read_listing(struct listing *listing, const char *path,
    const struct options *options)
{
	struct error error;

	if (listing_read(listing, path, &error) == -1)
		end(options, &error);
}

/* Returns the exit code. */
static int
print(const struct check_set *set, const struct options *options, bool comparing)
{
	struct buffer out = BUFFER_EMPTY(CHECK_TEXT_MAX);
	int code = check_exit_code(set->worst->state), result = 0;

	switch (options->form) {
	case FORM_TEXT:
		result = check_print_text(&out, set, &options->rules);
		break;
	case FORM_METRICS:
		result = check_print_metrics(&out, set, comparing);
		code = EXIT_DONE;
		break;
	case FORM_JSON:
		for (size_t i = 0; i < set->count && result == 0; i++) {
			result = check_print_json(&out, &set->checks[i],
			    &options->rules);
			print_or_die(&out);
		}
	}
	if (result == -1)
		die_errno("cannot print the result");
	print_or_die(&out);
	buffer_free(&out);
	return (code);
}

int
main(int argc, char *argv[])
{
	struct listing listing = { .count = 0 }, receiver = { .count = 0 };
	struct options options;
	struct check_set set;
	struct error error;
	bool comparing;
	int code;

	diag_fix_exit_code(check_exit_code(CHECK_UNKNOWN));
	usage_begin("zr-check", usage, argc, argv);
	parse_options(&options, argc, argv);
	comparing = argc - optind == 2;
	read_listing(&listing, argv[optind], &options);
	if (comparing)
		read_listing(&receiver, argv[optind + 1], &options);
	if (check_listing(&set, &options.rules, &listing,
	    comparing ? &receiver : NULL, &error) == -1)
		end(&options, &error);
	if (set.count == 0) {
		error_set(&error, EXIT_FAILED, "%s lists no filesystem%s",
		    name_of(argv[optind]), listing.count > 0 ? " but placeholders" : "");
		end(&options, &error);
	}
	code = print(&set, &options, comparing);
	check_set_free(&set);
	listing_free(&listing);
	listing_free(&receiver);
	pattern_free(options.pattern);
	name_map_free(&options.map);
	return (code);
}
