/* A filesystem that was received beside a placeholder takes its place. */
#include <stdio.h>
#include <string.h>

#include "receiver/receiver.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_object.h"

bool
receiver_is_incoming(const char *name)
{
	const size_t suffix = strlen(RECEIVER_INCOMING_SUFFIX);
	size_t length;

	for (;; name += length + 1) {
		length = strcspn(name, "/");
		if (length >= suffix && memcmp(name + length - suffix,
		    RECEIVER_INCOMING_SUFFIX, suffix) == 0)
			return (true);
		if (name[length] == '\0')
			return (false);
	}
}

static int
rename_filesystem(const struct receiver *receiver, const char *from,
    const char *to, struct error *error)
{
	struct zfs_arguments arguments = zfs_arguments("rename", NULL);
	int result;

	if (receiver->unmounted)
		zfs_arguments_add(&arguments, "-u");
	zfs_arguments_add(&arguments, from);
	zfs_arguments_add(&arguments, to);
	result = zfs_do(&arguments, 0, error);
	zfs_arguments_free(&arguments);
	return (result);
}

static int
destroy(const char *name, struct error *error)
{
	struct zfs_arguments arguments = zfs_arguments("destroy", name, NULL);
	int result = zfs_do(&arguments, 0, error);

	zfs_arguments_free(&arguments);
	return (result);
}

/* Move its children to incoming, and destroy its snapshots. */
static int
empty_placeholder(const struct receiver *receiver, const struct zfs_list *list,
    const char *incoming, const char *local, struct error *error)
{
	char moved[2 * (FS_NAME_MAX + 1)];
	const char *name;
	int result = 0;

	for (size_t i = 0; result == 0 && i < list->count; i++) {
		name = list->objects[i].name;
		if (list->objects[i].version != NULL)
			result = destroy(name, error);
		else if (strcmp(name, local) != 0) {
			snprintf(moved, sizeof(moved), "%s%s", incoming,
			    name + strlen(local));
			result = rename_filesystem(receiver, name, moved, error);
		}
	}
	return (result);
}

int
receiver_take_place(const struct receiver *receiver, const char *incoming,
    const char *local, struct error *error)
{
	const char *const names[] = { local, NULL };
	struct zfs_list list;
	int result;

	result = zfs_list_read(&list, names, "1",
	    "filesystem,volume,snapshot,bookmark", ZFS_WANT_PLACEHOLDER, true, error);
	if (result == 0 && list.count > 0 && !list.objects[0].placeholder)
		result = error_set(error, EXIT_FAILED,
		    "%s is not a placeholder any more", local);
	if (result == 0 && list.count > 0)
		result = empty_placeholder(receiver, &list, incoming, local, error);
	if (result == 0 && list.count > 0)
		result = destroy(local, error);
	if (result == 0)
		result = rename_filesystem(receiver, incoming, local, error);
	zfs_list_free(&list);
	if (result == -1)
		error_prefix(error, "%s was received and cannot take the place "
		    "of %s yet", incoming, local);
	return (result);
}
