/*
 * zr-holds: list and release what replication left on pools.  lib/holds/leftover.c
 * recognises leftovers, lib/holds/leftover_judge.c tells which are stale.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"
#include "format/zrepl_name.h"
#include "holds/leftover.h"
#include "message/json_text.h"
#include "zfs/zfs_command.h"

static const char usage[] =
    "zr-holds [-Hjs] [-J JOB] [-k KIND] list [FILESYSTEM ...]\n"
    "zr-holds [-aHjy] [-J JOB] [-k KIND] release [FILESYSTEM ...]";

/* What is asked for. */
static struct {
	bool release;		/* else list */
	bool stale_only;
	bool all;		/* release also what is not stale */
	bool really;
	enum { FOR_PEOPLE, FOR_SCRIPTS, AS_JSON } format;
	const char *job;	/* NULL: any */
	enum leftover_kind kind;	/* LEFTOVER_KINDS: any */
	const char *const *filesystems;	/* NULL: all */
} want = { .kind = LEFTOVER_KINDS };

/* One of -H and -j would have no effect. */
static void
set_format(int format)
{
	if (want.format != FOR_PEOPLE && (int)want.format != format)
		die(EXIT_USAGE, "-H and -j exclude each other");
	want.format = format;
}

static void
parse_option(int option)
{
	switch (option) {
	case 'a':
		want.all = true;
		break;
	case 'H':
		set_format(FOR_SCRIPTS);
		break;
	case 'J':
		if (!zrepl_job_valid(optarg))
			die(EXIT_USAGE, "-J %s: not a job's name", optarg);
		want.job = optarg;
		break;
	case 'j':
		set_format(AS_JSON);
		break;
	case 'k':
		want.kind = leftover_kind_by_name(optarg);
		if (want.kind == LEFTOVER_KINDS)
			die(EXIT_USAGE, "-k %s: not a kind: step-hold, "
			    "last-received-hold, cursor, tentative-cursor or "
			    "old-bookmark", optarg);
		break;
	case 's':
		want.stale_only = true;
		break;
	case 'y':
		want.really = true;
		break;
	}
}

static void
parse_options(int argc, char *argv[])
{
	static const char *const words[] = { "list", "release", NULL };
	int option;

	while ((option = usage_getopt(usage, argc, argv, "+aHhJ:jk:sy")) != -1)
		parse_option(option);
	want.release = usage_word(usage, argv[optind], words) == 1;
	if (want.release && want.stale_only)
		die(EXIT_USAGE, "-s is for list: release takes only stale ones");
	if (!want.release && (want.all || want.really))
		die(EXIT_USAGE, "-a and -y are for release");
	optind++;
	for (int i = optind; i < argc; i++) {
		usage_operand("a filesystem", argv[i]);
		if (!fs_name_valid_filesystem(argv[i]) ||
		    !isalpha((unsigned char)argv[i][0]))
			die(EXIT_USAGE, "%s: not a filesystem's name", argv[i]);
	}
	if (optind < argc)
		want.filesystems = (const char *const *)argv + optind;
	if (want.all && want.job == NULL && want.kind == LEFTOVER_KINDS &&
	    want.filesystems == NULL)
		die(EXIT_USAGE, "-a would release everything on all pools: name "
		    "a job (-J), a kind (-k) or filesystems");
}

static bool
is_wanted(const struct leftover *item)
{
	if ((want.job != NULL && strcmp(item->job, want.job) != 0) ||
	    (want.kind != LEFTOVER_KINDS && item->kind != want.kind))
		return (false);
	if (item->stale == LEFTOVER_IN_USE)
		return (want.release ? want.all : !want.stale_only);
	return (true);
}

static void
print_json(const struct leftover *item, const char *reason)
{
	char guid[24], createtxg[24], creation[RFC3339_SIZE];
	struct buffer out = BUFFER_EMPTY(1 << 20);

	snprintf(guid, sizeof(guid), "%" PRIu64, item->guid);
	snprintf(createtxg, sizeof(createtxg), "%" PRIu64, item->createtxg);
	rfc3339_format(creation, item->creation);
	if (json_text_member(&out, "name", item->name) == -1 ||
	    json_text_member(&out, "kind", leftover_kind_name(item->kind)) == -1 ||
	    json_text_member(&out, "job", item->job) == -1 ||
	    json_text_member(&out, "tag", item->tag) == -1 ||
	    json_text_member(&out, "guid", guid) == -1 ||
	    json_text_member(&out, "createtxg", createtxg) == -1 ||
	    json_text_member(&out, "creation", creation) == -1 ||
	    json_text_raw_member(&out, "stale",
	    item->stale != LEFTOVER_IN_USE ? "true" : "false") == -1 ||
	    json_text_member(&out, "reason", *reason != '\0' ? reason : NULL) == -1 ||
	    json_text_raw(&out, "}\n") == -1)
		die_errno("%s", item->name);
	fwrite(buffer_front(&out), 1, buffer_length(&out), stdout);
	buffer_free(&out);
}

static void
print_item(const struct leftover *item, int width)
{
	char reason[LEFTOVER_REASON_SIZE], made[32] = "-";
	const time_t creation = (time_t)item->creation;
	struct tm broken_down;

	leftover_reason(item, reason);
	switch (want.format) {
	case AS_JSON:
		print_json(item, reason);
		break;
	case FOR_SCRIPTS:
		printf("%s\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\t%s\n",
		    item->name, leftover_kind_name(item->kind),
		    *item->job != '\0' ? item->job : "-", item->guid,
		    item->createtxg, item->creation,
		    *reason != '\0' ? reason : "-");
		break;
	case FOR_PEOPLE:
		if (localtime_r(&creation, &broken_down) != NULL)
			strftime(made, sizeof(made), "%Y-%m-%d %H:%M", &broken_down);
		printf("%-*s  %-18s  %-16s  %-12s  %s\n", width, item->name,
		    leftover_kind_name(item->kind), made,
		    *item->job != '\0' ? item->job : "-",
		    *reason != '\0' ? reason : "-");
		break;
	}
}

/* Show the chosen ones, count of them. */
static void
print(const struct leftover_list *list, const bool *chosen, size_t count)
{
	size_t width = strlen("NAME"), length;

	for (size_t i = 0; i < list->count; i++) {
		length = strlen(list->items[i].name);
		if (chosen[i] && length > width)
			width = length;
	}
	if (want.format == FOR_PEOPLE && count > 0)
		printf("%-*s  %-18s  %-16s  %-12s  %s\n", (int)width, "NAME",
		    "KIND", "SNAPSHOT MADE", "JOB", "STALE");
	for (size_t i = 0; i < list->count; i++)
		if (chosen[i])
			print_item(&list->items[i], (int)width);
	if (fflush(stdout) == EOF || ferror(stdout))
		die_errno("write");
}

/* Nobody should have to guess whether there was nothing to do. */
static void
say_nothing_found(void)
{
	if (want.release)
		diag("nothing to release%s", want.all ? "" : ": nothing there is "
		    "stale (zr-holds list shows everything, -a release takes the "
		    "rest)");
	else if (want.format == FOR_PEOPLE)
		diag("nothing to list");
}

/* Show zfs's error, and advice. */
static void
complain(const struct error *error, const char *name)
{
	struct error named = *error;

	if (*name != '\0')
		error_prefix(&named, "%s", name);
	diag_error(&named);
}

static void
released(const struct leftover *item, const struct error *failure)
{
	if (failure != NULL)
		complain(failure, item->name);
	else
		print_item(item, (int)strlen(item->name));
}

int
main(int argc, char *argv[])
{
	struct leftover_list list;
	struct error error;
	bool *chosen;
	size_t count = 0;
	int result = 0;

	usage_begin("zr-holds", usage, argc, argv);
	parse_options(argc, argv);
	zfs_init();
	if (leftover_read(&list, want.filesystems, &error) == -1) {
		complain(&error, "");
		return ((int)error.code);
	}
	chosen = calloc(list.count + 1, sizeof(*chosen));
	if (chosen == NULL)
		die_errno("calloc");
	for (size_t i = 0; i < list.count; i++) {
		chosen[i] = is_wanted(&list.items[i]);
		count += chosen[i];
	}
	if (want.really)
		result = leftover_release(list.items, chosen, list.count,
		    released, &error);
	else
		print(&list, chosen, count);
	if (count == 0)
		say_nothing_found();
	else if (want.release && !want.really)
		diag("nothing is released yet: add -y to release %s",
		    count == 1 ? "it" : "all of these");
	free(chosen);
	leftover_list_free(&list);
	if (fflush(stdout) == EOF || ferror(stdout))
		die_errno("write");
	return (result == -1 ? (int)error.code : EXIT_DONE);
}
