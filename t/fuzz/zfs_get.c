/*
 * Feeds, up to the first NUL, what "zfs get" printed, and behind it what
 * "zfs holds" printed of the snapshots that are held.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "holds/leftover.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_output.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is it NULL, or a string that ends within the text? */
static bool
inside(const struct buffer *text, const char *string)
{
	const char *const begin = (const char *)buffer_front(text);
	const char *const end = begin + buffer_length(text);

	return (string >= begin && string < end &&
	    memchr(string, '\0', (size_t)(end - string)) != NULL);
}

static void
check_objects(const struct zfs_list *list)
{
	const struct zfs_object *object;

	for (size_t i = 0; i < list->count; i++) {
		object = &list->objects[i];
		if (!inside(&list->text, object->name) ||
		    (object->resume_token[0] != '\0' &&
		    !inside(&list->text, object->resume_token)) ||
		    (object->version != NULL) != (object->type == ZFS_SNAPSHOT ||
		    object->type == ZFS_BOOKMARK) ||
		    (object->version != NULL &&
		    object->version != strpbrk(object->name, "@#") + 1) ||
		    object->creation < 0)
			abort();
	}
}

static void
check_leftovers(const struct leftover_list *list)
{
	char text[LEFTOVER_REASON_SIZE];
	const struct leftover *item;

	for (size_t i = 0; i < list->count; i++) {
		item = &list->items[i];
		if (!inside(&list->objects.text, item->name) ||
		    (item->tag != NULL && !inside(&list->holds, item->tag)) ||
		    (item->tag != NULL) != (item->kind <= LEFTOVER_LAST_RECEIVED_HOLD) ||
		    strcspn(item->name, "@#") != item->filesystem_length ||
		    (item->newer != NULL && !inside(&list->objects.text, item->newer)))
			abort();
		leftover_reason(item, text);
		if (memchr(text, '\0', sizeof(text)) == NULL)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	const size_t first = nul == NULL ? size : (size_t)(nul - data);
	struct leftover_list list = { .holds = BUFFER_EMPTY(ZFS_OUTPUT_MAX),
	    .objects = { .text = BUFFER_EMPTY(ZFS_OUTPUT_MAX) } };
	struct leftover_held *held = NULL;
	struct error error;
	size_t count;

	if (buffer_append(&list.objects.text, data, first) == 0 &&
	    zfs_output_list(&list.objects, &error) == 0) {
		check_objects(&list.objects);
		held = calloc(list.objects.count + 1, sizeof(*held));
		if (leftover_take_objects(&list, held, &count, &error) == -1 ||
		    (nul != NULL && buffer_append(&list.holds, nul + 1,
		    size - first - 1) == -1) ||
		    leftover_take_holds(&list, held, count, &error) == -1)
			abort();
		leftover_judge(list.items, list.count);
		check_leftovers(&list);
	}
	free(held);
	leftover_list_free(&list);
	return (0);
}
