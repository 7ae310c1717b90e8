/*
 * Placeholders: filesystems between the root and a received one.
 */
#include <stdio.h>
#include <string.h>

#include "format/zrepl_name.h"
#include "receiver/receiver.h"
#include "zfs/zfs_advice.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_object.h"

static int
make_placeholder(const struct receiver *receiver, const char *name,
    struct error *error)
{
	/* It need not be mounted, but zfs prints this if we are not root. */
	static const char *const fine[] = {
		"': dataset already exists", "it may only be mounted by root", NULL
	};
	struct zfs_arguments arguments;
	struct zfs_report report;
	int result;

	if (receiver->encryption == PLACEHOLDER_UNSPECIFIED &&
	    strcmp(name, receiver->root) != 0)
		return (error_set(error, EXIT_FAILED, "placeholder filesystem "
		    "encryption handling is unspecified in receiver config "
		    "(-e inherit or -e off, for %s)", name));
	arguments = zfs_arguments("create", "-o", "mountpoint=none", "-o",
	    ZREPL_PLACEHOLDER_PROPERTY "=on", NULL);
	if (receiver->encryption == PLACEHOLDER_OFF) {
		zfs_arguments_add(&arguments, "-o");
		zfs_arguments_add(&arguments, "encryption=off");
	}
	zfs_arguments_add(&arguments, name);
	result = zfs_run(&arguments, 0, NULL, &report, error);
	zfs_arguments_free(&arguments);
	if (result == 0 && report.exit_code != 0 && !zfs_words_all(&report, fine))
		result = zfs_failed(&report, error);
	return (result);
}

/* "a/b/c": a, a/b, a/b/c, each in a buffer of its own. */
static size_t
ancestors(const char *name, char names[FS_DEPTH_MAX][FS_NAME_MAX + 1])
{
	size_t count = 0, length = 0;

	do {
		length += strcspn(name + length, "/");
		snprintf(names[count++], FS_NAME_MAX + 1, "%.*s", (int)length, name);
	} while (name[length++] == '/' && count < FS_DEPTH_MAX);
	return (count);
}

static bool
listed(const struct zfs_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->objects[i].name, name) == 0)
			return (true);
	return (false);
}

int
receiver_make_parents(const struct receiver *receiver, const char *local,
    struct error *error)
{
	char names[FS_DEPTH_MAX][FS_NAME_MAX + 1];
	const char *operands[FS_DEPTH_MAX + 1] = { NULL };
	size_t count = ancestors(local, names) - 1;	/* not itself */
	struct zfs_list list;
	int result;

	for (size_t i = 0; i < count; i++)
		operands[i] = names[i];
	result = zfs_list_read(&list, operands, "0", "filesystem,volume", 0, true,
	    error);
	if (result == 0 && !listed(&list, names[0]))
		result = error_set(error, EXIT_FAILED, "pool \"%s\" not imported",
		    names[0]);
	if (result == 0 && !listed(&list, receiver->root_fs))
		result = error_set(error, EXIT_FAILED,
		    "root_fs \"%s\" does not exist", receiver->root_fs);
	for (size_t i = 0; result == 0 && i < count; i++)
		if (!listed(&list, names[i]))
			result = make_placeholder(receiver, names[i], error);
	zfs_list_free(&list);
	return (result);
}

int
receiver_check_copied_placeholder(const char *name, struct error *error)
{
	/* A received value may be any text, so print nothing else. */
	struct zfs_arguments arguments = zfs_arguments("get", "-H", "-s",
	    "received", "-o", "value", ZREPL_PLACEHOLDER_PROPERTY, name, NULL);
	struct buffer output = BUFFER_EMPTY(ZFS_OUTPUT_MAX);
	struct zfs_report report;
	bool copied;
	int result;

	result = zfs_run(&arguments, 0, &output, &report, error);
	zfs_arguments_free(&arguments);
	copied = buffer_length(&output) == strlen("on\n") &&
	    memcmp(buffer_front(&output), "on\n", strlen("on\n")) == 0;
	buffer_free(&output);
	if (result == -1)
		return (-1);
	if (report.exit_code != 0)
		return (zfs_failed(&report, error));
	if (!copied)
		return (0);
	error_set(error, EXIT_FAILED, "%s is not a placeholder: "
	    ZREPL_PLACEHOLDER_PROPERTY "=on " ZFS_ADVICE_COPIED, name);
	return (zfs_advise(error, ZFS_ADVICE_COPIED, name));
}

int
receiver_empty_placeholder(const struct zfs_list *list, struct error *error)
{
	const struct zfs_object *oldest = zfs_list_find(list, ZFS_SNAPSHOT, NULL);
	struct zfs_arguments arguments;
	int result;

	if (oldest == NULL)
		return (0);
	arguments = zfs_arguments("rollback", "-r", oldest->name, NULL);
	result = zfs_do(&arguments, 0, error);
	zfs_arguments_free(&arguments);
	if (result == -1)
		return (-1);
	arguments = zfs_arguments("destroy", oldest->name, NULL);
	result = zfs_do(&arguments, 0, error);
	zfs_arguments_free(&arguments);
	return (result);
}
