#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/fs_name.h"
#include "snap/snap_set.h"
#include "zfs/zfs_command.h"

bool
snap_is_within(const char *name, const char *dataset)
{
	const size_t length = strlen(dataset);

	return (strncmp(name, dataset, length) == 0 &&
	    (name[length] == '\0' || name[length] == '/'));
}

/* By components: "a/b" before "a.b".  The first is length bytes. */
static int
compare(const char *name, size_t length, const char *other)
{
	size_t i = 0;

	while (i < length && name[i] == other[i])
		i++;
	if (i == length || other[i] == '\0')
		return ((i < length) - (other[i] != '\0'));
	if (name[i] == '/' || other[i] == '/')
		return (name[i] == '/' ? -1 : 1);
	return ((unsigned char)name[i] < (unsigned char)other[i] ? -1 : 1);
}

static int
by_name(const void *a, const void *b)
{
	const char *const one = ((const struct snap_dataset *)a)->name;

	return (compare(one, strlen(one), ((const struct snap_dataset *)b)->name));
}

/* --- the request --- */

static int
operands_by_name(const void *a, const void *b)
{
	const char *const one = *(const char *const *)a;

	return (compare(one, strlen(one), *(const char *const *)b));
}

/* Is it one of the datasets of the request itself? */
static bool
is_operand(const struct snap_request *request, const char *name)
{
	return (bsearch(&name, request->datasets, request->count, sizeof(name),
	    operands_by_name) != NULL);
}

/* Below one of the datasets, and not one of them or above? */
static int
check_left_out(const struct snap_request *request, const char *name,
    struct error *error)
{
	bool below = false;

	for (size_t i = 0; i < request->count; i++) {
		if (snap_is_within(request->datasets[i], name))
			return (error_set(error, EXIT_USAGE,
			    "-x %s leaves nothing of %s", name,
			    request->datasets[i]));
		below = below || snap_is_within(name, request->datasets[i]);
	}
	return (below ? 0 : error_set(error, EXIT_USAGE,
	    "-x %s is not below any of the datasets", name));
}

int
snap_request_collapse(struct snap_request *request, struct error *error)
{
	const char **const datasets = request->datasets;
	size_t kept = 0;

	qsort(datasets, request->count, sizeof(*datasets), operands_by_name);
	/* What is below a dataset comes right behind it. */
	for (size_t i = 0; i < request->count; i++)
		if (kept == 0 || (request->recursive ?
		    !snap_is_within(datasets[i], datasets[kept - 1]) :
		    strcmp(datasets[i], datasets[kept - 1]) != 0))
			datasets[kept++] = datasets[i];
	request->count = kept;
	for (size_t i = 0; i < request->left_out_count; i++)
		if (check_left_out(request, request->left_out[i], error) == -1)
			return (-1);
	return (0);
}

/* --- what there is --- */

static bool
is_left_out(const struct snap_request *request, const char *name)
{
	for (size_t i = 0; i < request->left_out_count; i++)
		if (snap_is_within(name, request->left_out[i]))
			return (true);
	return (false);
}

static void
add_datasets(struct snap_set *set, const struct snap_request *request)
{
	const struct zfs_object *object;
	bool operand;

	for (size_t i = 0; i < set->list.count; i++) {
		object = &set->list.objects[i];
		operand = is_operand(request, object->name);
		/* Without recursive, a list with snapshots has the children, too. */
		if (object->version == NULL && (operand || request->recursive))
			set->datasets[set->count++] = (struct snap_dataset){
			    .name = object->name, .operand = operand,
			    .choice = is_left_out(request, object->name) ?
			    SNAP_LEFT_OUT : object->inconsistent ? SNAP_INCOMPLETE :
			    SNAP_CHOSEN,
			    .written = object->written, .newest = SNAP_NEVER };
	}
	qsort(set->datasets, set->count, sizeof(*set->datasets), by_name);
}

/* A dataset's name, length bytes, looked for: by compare(). */
struct key {
	const char *name;
	size_t length;
};

static int
key_by_name(const void *key, const void *dataset)
{
	const struct key *wanted = key;

	return (compare(wanted->name, wanted->length,
	    ((const struct snap_dataset *)dataset)->name));
}

static void
note_snapshots(struct snap_set *set, const char *prefix)
{
	const struct zfs_object *object;
	struct snap_dataset *dataset;
	struct key key;

	for (size_t i = 0; i < set->list.count; i++) {
		object = &set->list.objects[i];
		if (object->type != ZFS_SNAPSHOT)
			continue;
		key = (struct key){ .name = object->name,
		    .length = (size_t)(object->version - 1 - object->name) };
		dataset = bsearch(&key, set->datasets, set->count,
		    sizeof(*dataset), key_by_name);
		if (dataset == NULL)
			continue;
		dataset->has_snapshot = true;
		if (strncmp(object->version, prefix, strlen(prefix)) == 0 &&
		    object->creation > dataset->newest)
			dataset->newest = object->creation;
	}
}

/* Check that each of the request is there, and nothing twice. */
static int
check_set(const struct snap_set *set, const struct snap_request *request,
    struct error *error)
{
	size_t operands = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (i > 0 && by_name(&set->datasets[i - 1], &set->datasets[i]) == 0)
			return (error_set(error, EXIT_FAILED,
			    "zfs get printed %s twice", set->datasets[i].name));
		operands += set->datasets[i].operand;
	}
	if (operands < request->count)
		return (error_set(error, EXIT_FAILED, "zfs get printed nothing of "
		    "%zu of the datasets", request->count - operands));
	return (0);
}

int
snap_set_read(struct snap_set *set, const struct snap_request *request,
    bool snapshots, const char *prefix, struct error *error)
{
	const char **names = calloc(request->count + 1, sizeof(*names));
	int result = -1;

	*set = (struct snap_set){ .recursive = request->recursive,
	    .list.text = BUFFER_EMPTY(ZFS_OUTPUT_MAX) };
	if (names == NULL)
		return (error_errno(error, "zfs get"));
	memcpy(names, request->datasets, request->count * sizeof(*names));
	if (zfs_list_read(&set->list, names,
	    request->recursive ? NULL : snapshots ? "1" : "0",
	    snapshots ? "filesystem,volume,snapshot" : "filesystem,volume",
	    ZFS_WANT_INCONSISTENT |
	    (snapshots ? ZFS_WANT_CREATION | ZFS_WANT_WRITTEN : 0), false,
	    error) == -1)
		goto out;
	set->datasets = calloc(set->list.count + 1, sizeof(*set->datasets));
	if (set->datasets == NULL) {
		error_errno(error, "zfs get");
		goto out;
	}
	add_datasets(set, request);
	note_snapshots(set, prefix);
	result = check_set(set, request, error);
out:
	free(names);
	return (result);
}

void
snap_set_leave_unwritten(struct snap_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->datasets[i].choice == SNAP_CHOSEN &&
		    set->datasets[i].has_snapshot && set->datasets[i].written == 0)
			set->datasets[i].choice = SNAP_LEFT_OUT;
}

size_t
snap_set_left(const struct snap_set *set)
{
	size_t left = 0;

	for (size_t i = 0; i < set->count; i++)
		left += set->datasets[i].choice == SNAP_CHOSEN;
	return (left);
}

int
snap_set_name(struct snap_set *set, const char *name, struct error *error)
{
	struct snap_dataset *dataset;

	for (size_t i = 0; i < set->count; i++) {
		dataset = &set->datasets[i];
		if (dataset->choice != SNAP_CHOSEN)
			continue;
		if (asprintf(&dataset->snapshot, "%s@%s", dataset->name,
		    name) == -1) {
			dataset->snapshot = NULL;
			return (error_errno(error, "%s", dataset->name));
		}
		if (strlen(dataset->snapshot) > FS_NAME_MAX)
			return (error_set(error, EXIT_FAILED, "%s is longer than "
			    "the %d bytes that ZFS allows", dataset->snapshot,
			    FS_NAME_MAX));
	}
	return (0);
}

void
snap_set_free(struct snap_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->datasets[i].snapshot);
	free(set->datasets);
	zfs_list_free(&set->list);
	*set = (struct snap_set){ .count = 0 };
}
