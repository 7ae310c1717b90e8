#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "holds/leftover.h"
#include "zfs/zfs_command.h"

/* The bytes of one command line; the system's limit is several times that. */
#define BATCH_BYTES	(256u << 10)
#define BATCH_COUNT	4096

/* Append the output of "zfs holds" for the first few; *count is their number. */
static int
read_batch(struct buffer *text, const struct leftover_held held[], size_t *count,
    struct error *error)
{
	static const char *const missing[] = { "': dataset does not exist", NULL };
	struct zfs_arguments arguments = zfs_arguments("holds", "-H", NULL);
	struct zfs_report report;
	size_t bytes = 0, taken = 0;
	int result;

	while (taken < *count && taken < BATCH_COUNT && bytes < BATCH_BYTES) {
		zfs_arguments_add(&arguments, held[taken].snapshot->name);
		bytes += strlen(held[taken++].snapshot->name) + 1;
	}
	*count = taken;
	result = zfs_run(&arguments, 0, text, &report, error);
	zfs_arguments_free(&arguments);
	if (result == 0 && report.exit_code != 0 &&
	    !zfs_words_all(&report, missing))
		result = zfs_failed(&report, error);
	return (result);
}

static int
read_holds(struct leftover_list *list, struct leftover_held held[], size_t count,
    struct error *error)
{
	size_t batch;

	for (size_t done = 0; done < count; done += batch) {
		batch = count - done;
		if (read_batch(&list->holds, held + done, &batch, error) == -1)
			return (-1);
	}
	if (leftover_take_holds(list, held, count, error) == -1)
		return (-1);
	for (size_t i = 0; i < count; i++)
		if (held[i].lines > held[i].snapshot->holds)
			diag("%s has fewer holds than zfs lists: its filesystem's "
			    "are left alone", held[i].snapshot->name);
	return (0);
}

int
leftover_read(struct leftover_list *list, const char *const filesystems[],
    struct error *error)
{
	struct leftover_held *held;
	size_t count;
	int result = -1;

	*list = (struct leftover_list){ .holds = BUFFER_EMPTY(ZFS_OUTPUT_MAX) };
	if (zfs_list_read(&list->objects, filesystems, NULL, "snapshot,bookmark",
	    ZFS_WANT_IDENTITY | ZFS_WANT_HOLDS, false, error) == -1)
		return (-1);
	held = calloc(list->objects.count + 1, sizeof(*held));
	if (held == NULL)
		return (error_errno(error, "zfs get"));
	if (leftover_take_objects(list, held, &count, error) == -1)
		goto out;
	if (count > 0 && read_holds(list, held, count, error) == -1)
		goto out;
	leftover_judge(list->items, list->count);
	result = 0;
out:
	free(held);
	return (result);
}

void
leftover_list_free(struct leftover_list *list)
{
	free(list->items);
	zfs_list_free(&list->objects);
	buffer_free(&list->holds);
	*list = (struct leftover_list){ .items = NULL };
}
