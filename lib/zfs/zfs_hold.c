#include <stdio.h>
#include <string.h>

#include "format/fs_name.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_hold.h"
#include "zfs/zfs_output.h"

#define HOLDS_MAX	(1u << 20)	/* bytes of "zfs holds" of one snapshot */
/*
 * If zfs can release none of a command's holds, it prints a line for each name; all of
 * these lines must fit into the words that we keep.
 */
#define BATCH_WORDS	(ZFS_WORDS_MAX * 3 / 4)
#define RELEASE_WORDS	80u		/* bytes of such a line, without the name */
_Static_assert(BATCH_WORDS + FS_NAME_MAX < ZFS_LINE_MAX, "and into a command line");

static int
run(struct zfs_arguments *arguments, const char *const fine[],
    struct error *error)
{
	struct zfs_report report;
	int result;

	result = zfs_run(arguments, 0, NULL, &report, error);
	zfs_arguments_free(arguments);
	if (result == 0 && report.exit_code != 0 && !zfs_words_all(&report, fine))
		result = zfs_failed(&report, error);
	return (result);
}

int
zfs_hold(const char *tag, const char *const snapshots[], struct error *error)
{
	static const char *const fine[] = {
		"tag already exists on this dataset", NULL
	};
	struct zfs_arguments arguments = zfs_arguments("hold", tag, NULL);

	for (size_t i = 0; snapshots[i] != NULL; i++)
		zfs_arguments_add(&arguments, snapshots[i]);
	return (run(&arguments, fine, error));
}

static bool
is_one_of(const char *name, const char *const names[])
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return (true);
	return (false);
}

int
zfs_release(const char *tag, const struct zfs_list *list,
    const char *const spare[], struct error *error)
{
	static const char *const fine[] = {
		"no such tag on this dataset", "dataset does not exist", NULL
	};
	struct zfs_arguments arguments;
	const struct zfs_object *object;
	struct error later;
	size_t words, next = 0;
	int result = 0;

	while (next < list->count) {
		arguments = zfs_arguments("release", tag, NULL);
		for (words = 0; next < list->count && words < BATCH_WORDS; next++) {
			object = &list->objects[next];
			if (object->type != ZFS_SNAPSHOT || object->holds == 0 ||
			    is_one_of(object->name, spare))
				continue;
			zfs_arguments_add(&arguments, object->name);
			words += strlen(object->name) + RELEASE_WORDS;
		}
		/* After a failure go on with the following ones. */
		if (words == 0)
			zfs_arguments_free(&arguments);
		else if (run(&arguments, fine, result == 0 ? error : &later) == -1)
			result = -1;
	}
	return (result);
}

bool
zfs_hold_advice(char line[ZFS_ADVICE_SIZE], const char *snapshot)
{
	struct zfs_arguments arguments = zfs_arguments("holds", "-H", snapshot,
	    NULL);
	struct buffer output = BUFFER_EMPTY(HOLDS_MAX);
	struct zfs_report report;
	struct error error;
	const char *tag = NULL;
	char *lines;

	if (zfs_run(&arguments, 0, &output, &report, &error) == 0 &&
	    report.exit_code == 0 && (lines = buffer_text(&output)) != NULL)
		tag = zfs_output_tag(lines, snapshot);
	if (tag != NULL) {
		snprintf(line, ZFS_ADVICE_SIZE, "the hold %s keeps %s: "
		    "\"zfs release '%s' '%s'\" releases it", tag, snapshot, tag,
		    snapshot);
		zfs_say_where(line);
	}
	zfs_arguments_free(&arguments);
	buffer_free(&output);
	return (tag != NULL);
}
