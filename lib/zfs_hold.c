#include <stdbool.h>
#include <string.h>

#include "zfs_command.h"
#include "zfs_hold.h"

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
	struct zfs_arguments arguments = zfs_arguments("release", tag, NULL);
	const size_t none = arguments.count;

	for (size_t i = 0; i < list->count; i++)
		if (list->objects[i].type == ZFS_SNAPSHOT &&
		    list->objects[i].holds > 0 &&
		    !is_one_of(list->objects[i].name, spare))
			zfs_arguments_add(&arguments, list->objects[i].name);
	if (arguments.count > none)
		return (run(&arguments, fine, error));
	zfs_arguments_free(&arguments);
	return (0);
}
