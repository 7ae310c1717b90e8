#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/run_filesystem.h"

/* What event_text() did not copy. */
static int
not_copied(struct error *error)
{
	if (errno == EINVAL)
		return (error_set(error, EXIT_USAGE, "a text contains a NUL"));
	return (error_errno(error, "events"));
}

int
run_replace(char **place, const struct json_slice *text, struct error *error)
{
	char *copy = NULL;

	if (text->text != NULL) {
		copy = event_text(text);
		if (copy == NULL)
			return (not_copied(error));
	}
	free(*place);
	*place = copy;
	return (0);
}

void
run_add(uint64_t *sum, uint64_t number)
{
	*sum = *sum + number < *sum ? UINT64_MAX : *sum + number;
}

struct run_filesystem *
run_filesystem_new(const struct json_slice *name, struct error *error)
{
	struct run_filesystem *new = calloc(1, sizeof(*new));

	if (new == NULL) {
		not_copied(error);
		return (NULL);
	}
	new->creation = EVENT_NO_TIME;
	if (run_replace(&new->name, name, error) == 0)
		return (new);
	run_filesystem_free(new);
	return (NULL);
}

void
run_filesystem_free(struct run_filesystem *filesystem)
{
	if (filesystem == NULL)
		return;
	for (size_t i = 0; i < filesystem->size_count; i++)
		free(filesystem->sizes[i].to);
	free(filesystem->sizes);
	free(filesystem->to);
	free(filesystem->message);
	free(filesystem->name);
	free(filesystem);
}

/* --- sizes --- */

static struct run_size *
find_size(const struct run_filesystem *filesystem, const char *to)
{
	for (size_t i = 0; i < filesystem->size_count; i++)
		if (strcmp(filesystem->sizes[i].to, to) == 0)
			return (&filesystem->sizes[i]);
	return (NULL);
}

int
run_filesystem_keep_size(struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	struct run_size *grown, *size;
	char *to;

	if (event->to.text == NULL || event->bytes == EVENT_NO_NUMBER ||
	    filesystem->size_count == RUN_SIZES_MAX)
		return (0);
	to = event_text(&event->to);
	if (to == NULL)
		return (not_copied(error));
	size = find_size(filesystem, to);
	if (size != NULL) {
		free(to);
		size->bytes = event->bytes;
		return (0);
	}
	grown = reallocarray(filesystem->sizes, filesystem->size_count + 1,
	    sizeof(*grown));
	if (grown == NULL) {
		free(to);
		return (not_copied(error));
	}
	filesystem->sizes = grown;
	grown[filesystem->size_count++] = (struct run_size){ to, event->bytes };
	return (0);
}

static void
drop_size(struct run_filesystem *filesystem, const char *to)
{
	struct run_size *size = find_size(filesystem, to);

	if (size == NULL)
		return;
	free(size->to);
	*size = filesystem->sizes[--filesystem->size_count];
}

uint64_t
run_filesystem_step_size(const struct run_filesystem *filesystem)
{
	const struct run_size *size = filesystem->to == NULL ? NULL :
	    find_size(filesystem, filesystem->to);

	return (size == NULL ? 0 : size->bytes);
}

/* --- the step, and the whole --- */

void
run_filesystem_leave_step(struct run_filesystem *filesystem, bool done)
{
	if (done && filesystem->to != NULL)
		drop_size(filesystem, filesystem->to);
	run_add(&filesystem->bytes, filesystem->step_bytes);
	filesystem->step_bytes = 0;
	free(filesystem->to);
	filesystem->to = NULL;
}

bool
run_filesystem_remaining(const struct run_filesystem *filesystem,
    uint64_t *bytes)
{
	*bytes = 0;
	if (filesystem->state == RUN_FILESYSTEM_GOOD)
		return (true);
	for (size_t i = 0; i < filesystem->size_count; i++)
		run_add(bytes, filesystem->sizes[i].bytes);
	*bytes -= filesystem->step_bytes < *bytes ? filesystem->step_bytes :
	    *bytes;
	return (filesystem->done <= filesystem->planned &&
	    filesystem->size_count == filesystem->planned - filesystem->done);
}

uint64_t
run_filesystem_bytes(const struct run_filesystem *filesystem)
{
	uint64_t bytes = filesystem->bytes;

	run_add(&bytes, filesystem->step_bytes);
	return (bytes);
}
