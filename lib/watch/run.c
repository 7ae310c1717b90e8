#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replicate/amount.h"
#include "watch/run.h"

static void __attribute__((format(printf, 2, 3)))
say(struct run *run, const char *format, ...)
{
	va_list arguments;

	free(run->said);
	va_start(arguments, format);
	if (vasprintf(&run->said, format, arguments) == -1)
		run->said = NULL;
	va_end(arguments);
}

/* --- filesystems --- */

static int
compare(const void *left, const void *right)
{
	return (strcmp(((const struct run_filesystem *)left)->name,
	    ((const struct run_filesystem *)right)->name));
}

static int
append(struct run *run, struct run_filesystem *filesystem)
{
	struct run_filesystem **grown;
	size_t room;

	if (run->count == run->room) {
		room = run->room == 0 ? 64 : 2 * run->room;
		grown = reallocarray(run->filesystems, room, sizeof(*grown));
		if (grown == NULL)
			return (-1);
		run->filesystems = grown;
		run->room = room;
	}
	run->filesystems[run->count++] = filesystem;
	return (0);
}

/* The one that an event is about, which may be new. */
static struct run_filesystem *
find(struct run *run, const struct event *event, struct error *error)
{
	struct run_filesystem *new, **found;

	if (event->filesystem.text == NULL) {
		error_set(error, EXIT_USAGE, "filesystem is missing");
		return (NULL);
	}
	new = run_filesystem_new(&event->filesystem, error);
	if (new == NULL)
		return (NULL);
	found = tsearch(new, &run->index, compare);
	if (found != NULL && *found != new) {
		run_filesystem_free(new);
		return (*found);
	}
	if (found != NULL && append(run, new) == 0)
		return (new);
	error_errno(error, "events");
	if (found != NULL)
		tdelete(new, &run->index, compare);
	run_filesystem_free(new);
	return (NULL);
}

/* --- events --- */

static int
on_start(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)filesystem;
	run_free(run);
	run->started = true;
	run->began = event->time;
	run->pid = event->pid;
	run->dry_run = event->dry_run;
	run->last_successful = event->last_successful;
	return (run_replace(&run->job, &event->job, error));
}

static int
on_listed(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)filesystem, (void)event, (void)error;
	run->listed = true;
	return (0);
}

static int
on_plan(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)run, (void)error;
	filesystem->planned = event->steps == EVENT_NO_NUMBER ? 0 : event->steps;
	filesystem->creation = event->base_creation;
	return (0);
}

static int
on_size(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)run;
	return (run_filesystem_keep_size(filesystem, event, error));
}

static int
on_step_begin(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)run;
	run_filesystem_leave_step(filesystem, false);
	filesystem->state = RUN_FILESYSTEM_STEP;
	filesystem->step_began = event->time;
	return (run_replace(&filesystem->to, &event->to, error));
}

static int
on_progress(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)run, (void)error;
	if (filesystem->to != NULL && event->bytes != EVENT_NO_NUMBER)
		filesystem->step_bytes = event->bytes;
	return (0);
}

static int
on_step_end(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	char bytes[AMOUNT_SIZE], time[AMOUNT_SIZE];

	(void)error;
	if (event->bytes != EVENT_NO_NUMBER)
		filesystem->step_bytes = event->bytes;
	say(run, "%s @%s: %s%s%s", filesystem->name,
	    filesystem->to == NULL ? "" : filesystem->to,
	    amount_of_bytes(bytes, filesystem->step_bytes),
	    event->ms == EVENT_NO_NUMBER ? "" : " in ",
	    event->ms == EVENT_NO_NUMBER ? "" :
	    amount_of_time(time, (int64_t)event->ms));
	run_filesystem_leave_step(filesystem, true);
	filesystem->done++;
	filesystem->state = RUN_FILESYSTEM_READY;
	if (event->creation != EVENT_NO_TIME)
		filesystem->creation = event->creation;
	return (0);
}

static int
on_retry(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	run_filesystem_leave_step(filesystem, false);
	filesystem->state = RUN_FILESYSTEM_AGAIN;
	if (run_replace(&filesystem->message, &event->message, error) == -1)
		return (-1);
	say(run, "%s: %s (to be tried again)", filesystem->name,
	    filesystem->message == NULL ? "" : filesystem->message);
	return (0);
}

static bool
is(const struct json_slice *slice, const char *text)
{
	return (slice->text != NULL && slice->length == strlen(text) &&
	    memcmp(slice->text, text, slice->length) == 0);
}

static int
on_filesystem_end(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	run_filesystem_leave_step(filesystem, false);
	filesystem->state = is(&event->result, "failed") ? RUN_FILESYSTEM_FAILED :
	    is(&event->result, "interrupted") ? RUN_FILESYSTEM_INTERRUPTED :
	    RUN_FILESYSTEM_GOOD;
	if (event->bytes != EVENT_NO_NUMBER)
		filesystem->bytes = event->bytes;
	if (event->creation != EVENT_NO_TIME)
		filesystem->creation = event->creation;
	if (run_replace(&filesystem->message, &event->message, error) == -1)
		return (-1);
	if (filesystem->state == RUN_FILESYSTEM_FAILED)
		say(run, "%s: failed: %s", filesystem->name,
		    filesystem->message == NULL ? "" : filesystem->message);
	return (0);
}

static int
on_summary(struct run *run, struct run_filesystem *filesystem,
    const struct event *event, struct error *error)
{
	(void)filesystem;
	if (event->code == EVENT_NO_NUMBER)
		return (error_set(error, EXIT_USAGE, "code is missing"));
	run->code = event->code;
	run->ended = true;
	return (run_replace(&run->message, &event->message, error));
}

static const struct {
	const char *name;
	bool of_filesystem;
	int (*take)(struct run *run, struct run_filesystem *filesystem,
	    const struct event *event, struct error *error);
} events[] = {
	{ "start", false, on_start },
	{ "listed", false, on_listed },
	{ "plan", true, on_plan },
	{ "size", true, on_size },
	{ "step-begin", true, on_step_begin },
	{ "progress", true, on_progress },
	{ "step-end", true, on_step_end },
	{ "retry", true, on_retry },
	{ "filesystem-end", true, on_filesystem_end },
	{ "summary", false, on_summary }
};

int
run_take(struct run *run, const char *line, size_t length, struct error *error)
{
	struct run_filesystem *filesystem = NULL;
	struct event event;

	free(run->said);
	run->said = NULL;
	if (event_parse(&event, line, length, error) == -1)
		return (-1);
	if (!run->started && strcmp(event.event, "start") != 0)
		return (error_set(error, EXIT_USAGE, "the first event is not the "
		    "start of a run"));
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(event.event, events[i].name) != 0)
			continue;
		if (events[i].of_filesystem &&
		    (filesystem = find(run, &event, error)) == NULL)
			return (-1);
		if (events[i].take(run, filesystem, &event, error) == -1)
			return (-1);
	}
	run->at = event.time;
	return (0);
}

/* --- the whole --- */

size_t
run_failures(const struct run *run)
{
	size_t failures = 0;

	for (size_t i = 0; i < run->count; i++)
		failures += run->filesystems[i]->state >= RUN_FILESYSTEM_FAILED;
	return (failures);
}

static void
nothing(void *node)
{
	(void)node;
}

void
run_free(struct run *run)
{
	tdestroy(run->index, nothing);
	for (size_t i = 0; i < run->count; i++)
		run_filesystem_free(run->filesystems[i]);
	free(run->filesystems);
	free(run->job);
	free(run->message);
	free(run->said);
	*run = RUN_EMPTY;
}
