/*
 * zr-snap: snapshots of many datasets, with one name.  Which datasets is in
 * lib/snap/snap_set.c, when it is time in lib/snap/snap_due.c.
 */
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "format/fs_name.h"
#include "message/json_text.h"
#include "retention/rules.h"
#include "snap/snap_due.h"
#include "snap/snap_hook.h"
#include "snap/snap_name.h"
#include "snap/snap_set.h"
#include "snap/snap_take.h"
#include "zfs/zfs_command.h"

static const char usage[] =
    "zr-snap [-Fjnrw] [-a COMMAND] [-b COMMAND] [-f FORMAT] [-i INTERVAL] "
    "[-p PREFIX] [-t SECONDS] [-x DATASET] DATASET ...";

#define SECONDS_DEFAULT	30
#define SECONDS_MAX	86400

/* What is asked for. */
static struct {
	struct snap_request request;
	const char *first;	/* of the datasets, as they were given */
	const char *prefix;
	const char *format;
	int64_t interval;	/* seconds; 0: always */
	bool written_only;
	const char *before, *after;	/* commands, or NULL */
	bool before_decides;
	int64_t seconds;	/* that each may take; 0: not given */
	bool dry_run;
	bool json;
} want = { .prefix = "zr_", .format = "dense" };

/* What came of it. */
static int worst = EXIT_DONE;
static int ended_by;		/* a signal, or 0 */

static int64_t
parse_interval(const char *text)
{
	const char *at = text;
	const int64_t seconds = rules_duration(&at);

	if (seconds == -1 || *at != '\0')
		die(EXIT_USAGE, "-i wants a number and one of s m h d w, not %s",
		    text);
	return (seconds);
}

static void
parse_option(int option)
{
	switch (option) {
	case 'a':
		want.after = optarg;
		break;
	case 'b':
		want.before = optarg;
		break;
	case 'F':
		want.before_decides = true;
		break;
	case 'f':
		want.format = optarg;
		break;
	case 'i':
		want.interval = parse_interval(optarg);
		break;
	case 'j':
		want.json = true;
		break;
	case 'n':
		want.dry_run = true;
		break;
	case 'p':
		want.prefix = optarg;
		break;
	case 'r':
		want.request.recursive = true;
		break;
	case 't':
		want.seconds = usage_number('t', "seconds", optarg, 1, SECONDS_MAX);
		break;
	case 'w':
		want.written_only = true;
		break;
	case 'x':
		want.request.left_out[want.request.left_out_count++] = optarg;
		break;
	case 'h':
		usage_help(usage);
	default:
		usage_die(usage);
	}
}

static void
check_dataset(const char *name)
{
	if (!fs_name_valid_filesystem(name) || !isalpha((unsigned char)*name))
		die(EXIT_USAGE, "%s: not a name of a filesystem or volume", name);
}

/* No option may be without effect. */
static void
check_options(void)
{
	if (want.before_decides && want.before == NULL)
		die(EXIT_USAGE, "-F is for -b");
	if (want.seconds != 0 && want.before == NULL && want.after == NULL)
		die(EXIT_USAGE, "-t is for -a and -b");
	if (want.seconds == 0)
		want.seconds = SECONDS_DEFAULT;
	if (want.request.left_out_count > 0 && !want.request.recursive)
		die(EXIT_USAGE, "-x is for -r");
	for (size_t i = 0; i < want.request.left_out_count; i++)
		check_dataset(want.request.left_out[i]);
}

static void
parse_options(int argc, char *argv[])
{
	struct error error;
	int option;

	want.request.left_out = calloc((size_t)argc,
	    sizeof(*want.request.left_out));
	if (want.request.left_out == NULL)
		die_errno("calloc");
	while ((option = getopt(argc, argv, "+a:b:Ff:hi:jnp:rt:wx:")) != -1)
		parse_option(option);
	check_options();
	if (optind == argc && argc > 1)
		die(EXIT_USAGE, "a DATASET is missing after the options");
	if (optind == argc)
		usage_die(usage);
	for (int i = optind; i < argc; i++) {
		usage_operand("a dataset", argv[i]);
		check_dataset(argv[i]);
	}
	want.first = argv[optind];
	want.request.datasets = (const char **)(uintptr_t)argv + optind;
	want.request.count = (size_t)(argc - optind);
	if (snap_name_check(want.prefix, want.format, &error) == -1 ||
	    snap_request_collapse(&want.request, &error) == -1)
		diag_die(&error);
}

/* --- which and when --- */

/* A name with a typing error must not go unnoticed; one that is gone is no failure. */
static void
warn_of_left_out(const struct snap_set *set)
{
	const char *name;
	size_t found;

	for (size_t i = 0; i < want.request.left_out_count; i++) {
		name = want.request.left_out[i];
		for (found = 0; found < set->count; found++)
			if (strcmp(set->datasets[found].name, name) == 0)
				break;
		if (found == set->count)
			diag("-x %s: there is no such dataset", name);
	}
}

static bool
is_due(const struct snap_set *set, int64_t now)
{
	const enum snap_due due = snap_due(set, want.interval, now);

	for (size_t i = 0; i < set->count; i++)
		if (!set->datasets[i].left_out && set->datasets[i].newest > now)
			diag("%s: its newest snapshot is dated in the future and does "
			    "not count for -i", set->datasets[i].name);
	if (due == SNAP_ALL_LATER)
		die(EXIT_FAILED, "all newest snapshots are dated in the future: "
		    "without -i they do not matter");
	if (due == SNAP_NOT_DUE && want.dry_run)
		diag("it is not time yet");
	return (due == SNAP_DUE);
}

/* --- the commands around it --- */

/* The datasets, one a line. */
static void
list_datasets(struct buffer *names, const struct snap_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (!set->datasets[i].left_out && (buffer_append(names,
		    set->datasets[i].name, strlen(set->datasets[i].name)) == -1 ||
		    buffer_append(names, "\n", 1) == -1))
			die_errno("%s", set->datasets[i].name);
}

static void
failed(const struct error *error)
{
	diag_error(error);
	/* Told to end, not failed: what is still to do depends on that. */
	if (error->code > EXIT_SIGNAL)
		ended_by = (int)error->code - EXIT_SIGNAL;
	if (worst == EXIT_DONE || error->code != EXIT_FAILED)
		worst = (int)error->code;
}

/* Has it ended with status 0?  So has one that there is none of. */
static bool
run_hook(struct snap_hook hook)
{
	struct error error;
	int exit_code;

	if (hook.command == NULL)
		return (true);
	if (snap_hook_run(&hook, &ended_by, &exit_code, &error) == -1) {
		diag_error(&error);
		worst = worst == EXIT_DONE ? EXIT_FAILED : worst;
	}
	return (exit_code == 0);
}

/* --- what is shown --- */

static void
print_json(const struct snap_dataset *dataset)
{
	struct buffer out = BUFFER_EMPTY(1 << 20);

	if (json_text_member(&out, "filesystem", dataset->name) == -1 ||
	    json_text_member(&out, "snapshot",
	    strchr(dataset->snapshot, '@') + 1) == -1 ||
	    json_text_raw(&out, "}\n") == -1)
		die_errno("%s", dataset->snapshot);
	fwrite(buffer_front(&out), 1, buffer_length(&out), stdout);
	buffer_free(&out);
}

static void
print(const struct snap_set *set)
{
	const struct snap_dataset *dataset;

	for (size_t i = 0; i < set->count; i++) {
		dataset = &set->datasets[i];
		if (!dataset->taken)
			continue;
		if (want.json)
			print_json(dataset);
		else
			puts(dataset->snapshot);
	}
	if (fflush(stdout) == EOF || ferror(stdout))
		die_errno("write");
}

/* For -n: as if all had succeeded. */
static void
pretend(struct snap_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		set->datasets[i].taken = !set->datasets[i].left_out;
}

/* Everything that is to be done, once it is time. */
static void
snap(struct snap_set *set, const char *name, const char *locale)
{
	struct buffer names = BUFFER_EMPTY(ZFS_OUTPUT_MAX);
	struct snap_hook hook = { .option = "-b", .command = want.before,
	    .type = "pre_snapshot", .snapshot = name, .filesystem = want.first,
	    .locale = locale, .dry_run = want.dry_run, .seconds = want.seconds };
	bool before_done;

	list_datasets(&names, set);
	hook.input = (const char *)buffer_front(&names);
	hook.input_length = buffer_length(&names);
	before_done = run_hook(hook);
	if (ended_by != 0 || (worst != EXIT_DONE && want.before_decides))
		;		/* none is taken */
	else if (want.dry_run)
		pretend(set);
	else
		snap_take(set, failed);
	hook.option = "-a";
	hook.command = before_done ? want.after : NULL;
	hook.type = "post_snapshot";
	hook.lasts = true;
	run_hook(hook);
	buffer_free(&names);
	print(set);
}

/* Name the snapshots, and take them. */
static void
name_and_snap(struct snap_set *set, int64_t now_ms, const char *locale)
{
	char name[SNAP_NAME_SIZE];
	struct error error;

	warn_of_left_out(set);
	if (snap_name(name, want.prefix, want.format, now_ms, &error) == -1 ||
	    snap_set_name(set, name, &error) == -1)
		diag_die(&error);
	snap(set, name, locale);
}

int
main(int argc, char *argv[])
{
	const int64_t now_ms = io_time_of_day_ms();
	char *locale = getenv("LC_ALL");
	struct snap_set set;
	struct error error;

	usage_begin("zr-snap", usage, argc, argv);
	parse_options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	locale = locale == NULL ? NULL : strdup(locale);
	zfs_init();
	if (snap_set_read(&set, &want.request,
	    want.interval != 0 || want.written_only, want.prefix, &error) == -1)
		diag_die(&error);
	if (want.written_only)
		snap_set_leave_unwritten(&set);
	if (snap_set_left(&set) > 0 &&
	    (want.interval == 0 || is_due(&set, now_ms / 1000)))
		name_and_snap(&set, now_ms, locale);
	snap_set_free(&set);
	free(want.request.left_out);
	free(locale);
	return (ended_by != 0 ? EXIT_SIGNAL + ended_by : worst);
}
