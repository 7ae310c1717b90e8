/* A filesystem that was received beside a placeholder takes its place. */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
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

/* Move the children of one filesystem to another; list begins with the former. */
static int
move_children(const struct receiver *receiver, const struct zfs_list *list,
    const char *to, struct error *error)
{
	char moved[2 * (FS_NAME_MAX + 1)];
	const char *from = list->objects[0].name, *name;
	int result = 0;

	for (size_t i = 1; result == 0 && i < list->count; i++) {
		if (list->objects[i].version != NULL)
			continue;
		name = list->objects[i].name;
		snprintf(moved, sizeof(moved), "%s%s", to, name + strlen(from));
		result = rename_filesystem(receiver, name, moved, error);
	}
	return (result);
}

/* Below incoming a child is hidden from clients. */
static void
move_back(const struct receiver *receiver, const char *incoming,
    const char *local)
{
	const char *const names[] = { incoming, NULL };
	struct error error;
	struct zfs_list list;

	if (zfs_list_read(&list, names, "1", "filesystem,volume", 0, true,
	    &error) == -1 || (list.count > 0 && move_children(receiver, &list,
	    local, &error) == -1))
		diag(DIAG_LOG "children of %s stay below %s: %s", local, incoming,
		    error.text);
	zfs_list_free(&list);
}

/*
 * Move its children to incoming, and then destroy its snapshots.  A child that cannot
 * move (it shares its key with the placeholder) keeps all of them where they are.
 */
static int
empty_placeholder(const struct receiver *receiver, const struct zfs_list *list,
    const char *incoming, struct error *error)
{
	int result = 0;

	if (move_children(receiver, list, incoming, error) == -1)
		return (-1);
	for (size_t i = 0; result == 0 && i < list->count; i++)
		if (list->objects[i].version != NULL)
			result = destroy(list->objects[i].name, error);
	return (result);
}

/* What cannot be destroyed (it is held, or in use) gets its children back. */
static int
remove_placeholder(const struct receiver *receiver, const struct zfs_list *list,
    const char *incoming, const char *local, struct error *error)
{
	int result = empty_placeholder(receiver, list, incoming, error);

	if (result == 0)
		result = destroy(local, error);
	if (result == -1)
		move_back(receiver, incoming, local);
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
		result = remove_placeholder(receiver, &list, incoming, local, error);
	if (result == 0)
		result = rename_filesystem(receiver, incoming, local, error);
	zfs_list_free(&list);
	if (result == -1)
		error_prefix(error, "%s was received and cannot take the place "
		    "of %s yet", incoming, local);
	return (result);
}
