#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "format/fs_name.h"
#include "holds/leftover.h"
#include "zfs/zfs_command.h"

#define BATCH_COUNT	1000	/* snapshots in a command; a name is 255 bytes */

struct release {
	void (*done)(const struct leftover *item, const struct error *failure);
	struct error *error;
	int result;
};

static void
report_one(struct release *release, const struct leftover *item,
    const struct error *failure)
{
	if (failure != NULL) {
		if (release->error != failure)
			*release->error = *failure;
		release->result = -1;
	}
	release->done(item, failure);
}

/* A pool's name begins with a letter: no name is taken for an option. */
static bool
may_be_argument(const struct leftover *item)
{
	char filesystem[FS_NAME_MAX + 1];

	if (item->filesystem_length > FS_NAME_MAX ||
	    !isalpha((unsigned char)item->name[0]))
		return (false);
	memcpy(filesystem, item->name, item->filesystem_length);
	filesystem[item->filesystem_length] = '\0';
	return (fs_name_valid_filesystem(filesystem) &&
	    fs_name_valid_snapshot(item->name + item->filesystem_length + 1));
}

/* Run it; it is no error if the hold or bookmark is already gone. */
static int
run(struct zfs_arguments *arguments, struct error *error)
{
	static const char *const gone[] = { "': no such tag on this dataset",
	    "': dataset does not exist", "' does not exist.", NULL };
	struct zfs_report report;
	int result = zfs_run(arguments, 0, NULL, &report, error);

	zfs_arguments_free(arguments);
	if (result == 0 && report.exit_code != 0 && !zfs_words_all(&report, gone))
		result = zfs_failed(&report, error);
	return (result);
}

static void
destroy_bookmark(struct release *release, const struct leftover *item)
{
	struct zfs_arguments arguments = zfs_arguments("destroy", item->name, NULL);
	struct error error;
	const int result = run(&arguments, &error);

	report_one(release, item, result == -1 ? &error : NULL);
}

/* Release holds with one tag; if that fails, one by one, to find out which fail. */
static void
release_holds(struct release *release, const struct leftover *const items[],
    size_t count)
{
	struct zfs_arguments arguments = zfs_arguments("release", items[0]->tag,
	    NULL);
	struct error error;
	int result;

	for (size_t i = 0; i < count; i++)
		zfs_arguments_add(&arguments, items[i]->name);
	result = run(&arguments, &error);
	for (size_t i = 0; i < count; i++) {
		if (result == -1 && count > 1)
			release_holds(release, items + i, 1);
		else
			report_one(release, items[i], result == -1 ? &error : NULL);
	}
}

static int
by_tag(const void *a, const void *b)
{
	const struct leftover *const *one = a, *const *other = b;
	const int order = strcmp((*one)->tag, (*other)->tag);

	return (order != 0 ? order : strcmp((*one)->name, (*other)->name));
}

int
leftover_release(const struct leftover *items, const bool *chosen, size_t count,
    void (*done)(const struct leftover *item, const struct error *failure),
    struct error *error)
{
	struct release release = { .done = done, .error = error };
	const struct leftover **holds = calloc(count + 1, sizeof(*holds));
	size_t held = 0, end;
	struct error odd;

	if (holds == NULL)
		return (error_errno(error, "release"));
	for (size_t i = 0; i < count; i++) {
		if (!chosen[i])
			continue;
		if (!may_be_argument(&items[i])) {
			error_set(&odd, EXIT_FAILED, "not a name to give to zfs");
			report_one(&release, &items[i], &odd);
		} else if (items[i].tag != NULL)
			holds[held++] = &items[i];
		else
			destroy_bookmark(&release, &items[i]);
	}
	qsort(holds, held, sizeof(*holds), by_tag);
	for (size_t start = 0; start < held; start = end) {
		for (end = start + 1; end < held && end - start < BATCH_COUNT &&
		    strcmp(holds[start]->tag, holds[end]->tag) == 0; end++)
			;
		release_holds(&release, holds + start, end - start);
	}
	free(holds);
	return (release.result);
}
