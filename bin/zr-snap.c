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
#include "snap/snap_name.h"
#include "snap/snap_run.h"
#include "snap/snap_set.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_host.h"

static const char usage[] =
    "zr-snap [-Fjnrw] [-a COMMAND] [-b COMMAND] [-f FORMAT] [-H HOST] "
    "[-i INTERVAL] [-p PREFIX] [-t SECONDS] [-x DATASET] DATASET ...";

#define SECONDS_DEFAULT	30
#define SECONDS_MAX	86400

/* What is asked for. */
static struct {
	struct snap_request request;
	const char *prefix;
	const char *format;
	int64_t interval;	/* seconds; 0: always */
	bool written_only;
	bool json;
	struct snap_run run;
} want = { .prefix = "zr_", .format = "dense" };

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
	struct error error;

	switch (option) {
	case 'a':
		want.run.after = optarg;
		break;
	case 'b':
		want.run.before = optarg;
		break;
	case 'F':
		want.run.before_decides = true;
		break;
	case 'f':
		want.format = optarg;
		break;
	case 'H':
		if (zfs_host_set(optarg, &error) == -1)
			diag_die(&error);
		break;
	case 'i':
		want.interval = parse_interval(optarg);
		break;
	case 'j':
		want.json = true;
		break;
	case 'n':
		want.run.dry_run = true;
		break;
	case 'p':
		want.prefix = optarg;
		break;
	case 'r':
		want.request.recursive = true;
		break;
	case 't':
		want.run.seconds = usage_number('t', "seconds", optarg, 1, SECONDS_MAX);
		break;
	case 'w':
		want.written_only = true;
		break;
	case 'x':
		want.request.left_out[want.request.left_out_count++] = optarg;
		break;
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
	if (want.run.before_decides && want.run.before == NULL)
		die(EXIT_USAGE, "-F is for -b");
	if (want.run.seconds != 0 && want.run.before == NULL &&
	    want.run.after == NULL)
		die(EXIT_USAGE, "-t is for -a and -b");
	if (want.run.seconds == 0)
		want.run.seconds = SECONDS_DEFAULT;
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
	while ((option = usage_getopt(usage, argc, argv,
	    "+a:b:Ff:H:hi:jnp:rt:wx:")) != -1)
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
	want.run.first = argv[optind];
	want.request.datasets = (const char **)(uintptr_t)argv + optind;
	want.request.count = (size_t)(argc - optind);
	if (snap_name_check(want.prefix, want.format, &error) == -1 ||
	    snap_request_collapse(&want.request, &error) == -1)
		diag_die(&error);
}

/* --- which and when --- */

/* zfs passes over them silently. */
static int
check_incomplete(const struct snap_set *set)
{
	int exit_code = EXIT_DONE;

	for (size_t i = 0; i < set->count; i++) {
		if (set->datasets[i].choice != SNAP_INCOMPLETE)
			continue;
		diag("%s: no snapshot of it can be taken, as its first receive is "
		    "not complete", set->datasets[i].name);
		if (set->datasets[i].operand)
			exit_code = EXIT_FAILED;
	}
	return (exit_code);
}

/* A mistyped name must not go unnoticed; a dataset that is gone is no failure. */
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
		if (set->datasets[i].choice == SNAP_CHOSEN && set->datasets[i].newest > now)
			diag("%s: its newest snapshot is dated in the future and does "
			    "not count for -i", set->datasets[i].name);
	if (due == SNAP_ALL_LATER)
		die(EXIT_FAILED, "all newest snapshots are dated in the future: "
		    "without -i they do not matter");
	if (due == SNAP_NOT_DUE && want.run.dry_run)
		diag("it is not time yet");
	return (due == SNAP_DUE);
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

/* Name the snapshots, and take them. */
static int
name_and_take(struct snap_set *set, int64_t now_ms)
{
	char name[SNAP_NAME_SIZE];
	const int incomplete = check_incomplete(set);
	struct error error;
	int exit_code;

	warn_of_left_out(set);
	if (snap_set_left(set) == 0)
		return (incomplete);
	if (snap_name(name, want.prefix, want.format, now_ms, &error) == -1 ||
	    snap_set_name(set, name, &error) == -1)
		diag_die(&error);
	exit_code = snap_run(set, name, &want.run, diag_error);
	print(set);
	return (exit_code != EXIT_DONE ? exit_code : incomplete);
}

int
main(int argc, char *argv[])
{
	char *locale = getenv("LC_ALL");
	struct snap_set set;
	struct error error;
	int exit_code = EXIT_DONE;
	int64_t now_ms;

	usage_begin("zr-snap", usage, argc, argv);
	parse_options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	locale = locale == NULL ? NULL : strdup(locale);
	want.run.locale = locale;
	zfs_init();
	if (snap_set_read(&set, &want.request,
	    want.interval != 0 || want.written_only, want.prefix, &error) == -1)
		diag_die(&error);
	/* After the list, so that no snapshot of another run is from the future. */
	now_ms = io_time_of_day_ms();
	if (want.written_only)
		snap_set_leave_unwritten(&set);
	if (snap_set_left(&set) == 0 || want.interval == 0 ||
	    is_due(&set, now_ms / 1000))
		exit_code = name_and_take(&set, now_ms);
	snap_set_free(&set);
	free(want.request.left_out);
	free(locale);
	return (exit_code);
}
