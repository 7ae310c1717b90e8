#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "format/rfc3339.h"
#include "message/json_text.h"
#include "watch/run_print.h"

#define LINE_BYTES 8192

/* A line of text, part of which peers wrote. */
static int __attribute__((format(printf, 2, 3)))
put_line(struct buffer *out, const char *format, ...)
{
	char text[LINE_BYTES], line[4 * LINE_BYTES];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	length = quote_line(line, sizeof(line) - 1, text, strlen(text));
	line[length++] = '\n';
	return (buffer_append(out, line, length));
}

/* --- what it amounts to --- */

bool
run_filesystem_errors(const struct run_file *file, int64_t *errors)
{
	const struct run *run = &file->run;

	*errors = -1;
	if (file->state == RUN_DIED)
		return (true);
	if (!run->listed)
		return (run->ended);
	*errors = (int64_t)run_failures(run);
	if (file->state == RUN_FAILED && *errors == 0)
		*errors = 1;
	return (true);
}

bool
run_last_successful(const struct run_file *file, int64_t *time)
{
	const struct run *run = &file->run;

	*time = file->state == RUN_DONE && !run->dry_run ? run->at :
	    run->last_successful;
	return (*time != EVENT_NO_TIME);
}

/* --- text --- */

/* "night: running for the pid 123, since 2026-11-30T01:00:00Z" */
static int
put_head(struct buffer *out, const struct run_file *file)
{
	const struct run *run = &file->run;
	const char *job = run_file_job(file);
	const char *dry = run->dry_run ? " (with -n)" : "";
	char began[RFC3339_SIZE] = "", at[RFC3339_SIZE] = "";

	if (job == NULL)
		job = file->path;
	if (run->started) {
		rfc3339_format(began, run->began);
		rfc3339_format(at, run->at);
	}
	if (file->state == RUN_RUNNING && !run->started)
		return (put_line(out, "%s: about to begin", job));
	if (!run->started)
		return (put_line(out, "%s: died before it said anything", job));
	switch (file->state) {
	case RUN_RUNNING:
		return (put_line(out, "%s: running%s since %s", job, dry, began));
	case RUN_DIED:
		return (put_line(out, "%s: died%s after %s, begun %s", job, dry, at,
		    began));
	case RUN_DONE:
	case RUN_FAILED:
		break;
	}
	return (put_line(out, "%s: %s%s at %s: %s", job,
	    run_state_name(file->state), dry, at,
	    run->message == NULL ? "" : run->message));
}

static int
put_table(struct buffer *out, const struct run *run, int64_t now)
{
	struct table_step *steps;
	struct table table;
	int result;

	if (run_table(run, now, &table, &steps) == -1)
		return (-1);
	result = table_print(out, &table);
	free(steps);
	return (result);
}

int
run_print_text(struct buffer *out, const struct run_file *file, int64_t now)
{
	const struct run *run = &file->run;

	if (put_head(out, file) == -1)
		return (-1);
	if (run->started && !run->ended && put_table(out, run,
	    file->state == RUN_DIED ? run->at : now) == -1)
		return (-1);
	for (size_t i = 0; i < run->count; i++) {
		const struct run_filesystem *filesystem = run->filesystems[i];

		if (filesystem->state == RUN_FILESYSTEM_FAILED &&
		    put_line(out, "%s: failed: %s", filesystem->name,
		    filesystem->message == NULL ? "" : filesystem->message) == -1)
			return (-1);
	}
	return (0);
}

/* --- JSON --- */

static int
add_number(struct buffer *out, const char *key, uint64_t number)
{
	char text[24];

	if (number == EVENT_NO_NUMBER)
		return (0);
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return (json_text_raw_member(out, key, text));
}

static int
add_time(struct buffer *out, const char *key, bool known, int64_t time)
{
	char text[RFC3339_SIZE];

	if (!known)
		return (0);
	rfc3339_format(text, time);
	return (json_text_member(out, key, text));
}

/* The path may be no UTF-8. */
static int
add_path(struct buffer *out, const char *path)
{
	char line[LINE_BYTES];

	quote_line(line, sizeof(line), path, strlen(path));
	return (json_text_member(out, "file", line));
}

static int
add_run(struct buffer *out, const struct run_file *file)
{
	const struct run *run = &file->run;
	int64_t number;
	bool known;

	if (add_path(out, file->path) == -1 ||
	    json_text_member(out, "job", run_file_job(file)) == -1 ||
	    json_text_member(out, "state", run_state_name(file->state)) == -1 ||
	    add_number(out, "pid", run->pid) == -1 ||
	    add_time(out, "began", run->started, run->began) == -1 ||
	    add_time(out, "ended", run->ended, run->at) == -1 ||
	    add_number(out, "code", run->ended ? run->code : EVENT_NO_NUMBER) == -1 ||
	    json_text_member(out, "message", run->message) == -1 ||
	    (run->dry_run && json_text_raw_member(out, "dry_run", "true") == -1))
		return (-1);
	known = run_last_successful(file, &number);
	if (add_time(out, "last_successful", known, number) == -1)
		return (-1);
	if (run_filesystem_errors(file, &number) &&
	    (json_text_raw_member(out, "filesystem_errors", "") == -1 ||
	    json_text_integer(out, number) == -1))
		return (-1);
	return (0);
}

static const char *const filesystem_states[] = {
	[RUN_FILESYSTEM_READY] = "waiting",
	[RUN_FILESYSTEM_STEP] = "step",
	[RUN_FILESYSTEM_AGAIN] = "retry",
	[RUN_FILESYSTEM_GOOD] = "done",
	[RUN_FILESYSTEM_FAILED] = "failed",
	[RUN_FILESYSTEM_INTERRUPTED] = "interrupted"
};

/* Its members, into a buffer that is empty. */
static int
add_members(struct buffer *out, const struct run_filesystem *filesystem)
{
	uint64_t remaining;

	if (json_text_member(out, "filesystem", filesystem->name) == -1 ||
	    json_text_member(out, "state",
	    filesystem_states[filesystem->state]) == -1 ||
	    json_text_member(out, "to", filesystem->to) == -1 ||
	    add_number(out, "planned_steps", filesystem->planned) == -1 ||
	    add_number(out, "steps", filesystem->done) == -1 ||
	    add_number(out, "bytes", run_filesystem_bytes(filesystem)) == -1)
		return (-1);
	if (run_filesystem_remaining(filesystem, &remaining) &&
	    add_number(out, "bytes_remaining", remaining) == -1)
		return (-1);
	if (add_time(out, "creation", filesystem->creation != EVENT_NO_TIME,
	    filesystem->creation) == -1 ||
	    json_text_member(out, "message", filesystem->message) == -1)
		return (-1);
	return (json_text_raw(out, "}"));
}

static int
add_filesystem(struct buffer *out, const struct run_filesystem *filesystem,
    bool first)
{
	struct buffer object = BUFFER_EMPTY(RUN_TEXT_MAX);
	int result = add_members(&object, filesystem);

	if (result == 0 && !first)
		result = json_text_raw(out, ",");
	if (result == 0)
		result = buffer_append(out, buffer_front(&object),
		    buffer_length(&object));
	buffer_free(&object);
	return (result);
}

int
run_print_json(struct buffer *out, const struct run_file *file)
{
	if (add_run(out, file) == -1 ||
	    json_text_raw_member(out, "filesystems", "[") == -1)
		return (-1);
	for (size_t i = 0; i < file->run.count; i++)
		if (add_filesystem(out, file->run.filesystems[i], i == 0) == -1)
			return (-1);
	return (json_text_raw(out, "]}\n"));
}
