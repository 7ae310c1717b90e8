#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/feed.h"
#include "base/io.h"
#include "base/process.h"
#include "base/signals.h"
#include "snap/snap_hook.h"

#define LINE_MAX_BYTES	4096	/* a longer line is shown as several */

struct run {
	const struct snap_hook *hook;
	struct process process;
	struct feed feed;
	int output;		/* 1 and 2 of the command; -1: no more to come */
	size_t shown;		/* bytes */
	char line[LINE_MAX_BYTES];
	size_t line_length;
	int64_t deadline;	/* of what it is doing now */
	enum {
		RUNNING,
		TOLD_TO_END,	/* SIGTERM */
		KILLED,		/* SIGKILL */
		ENDED,		/* others of its group may still print */
		OVER,
		GIVEN_UP	/* SIGKILL did not end it */
	} state;
	bool late;
};

static int
set_environment(const struct snap_hook *hook, struct error *error)
{
	char seconds[24];
	const struct {
		const char *name;
		const char *value;
	} variables[] = {
		{ "ZR_SNAPSHOT", hook->snapshot },
		{ "ZREPL_SNAPNAME", hook->snapshot },
		{ "ZREPL_HOOKTYPE", hook->type },
		{ "ZREPL_FS", hook->filesystem },
		{ "ZREPL_TIMEOUT", seconds },
		{ "ZREPL_DRYRUN", hook->dry_run ? "true" : "" }
	};

	snprintf(seconds, sizeof(seconds), "%" PRId64, hook->seconds);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (setenv(variables[i].name, variables[i].value, 1) == -1)
			return (error_errno(error, "%s", variables[i].name));
	return (0);
}

/* Ours is that of zfs(8). */
static int
set_locale(const char *locale, struct error *error)
{
	if (locale == NULL ? unsetenv("LC_ALL") == -1 :
	    setenv("LC_ALL", locale, 1) == -1)
		return (error_errno(error, "LC_ALL"));
	return (0);
}

static int
start(struct run *run, struct error *error)
{
	const char *const argv[] = { "sh", "-c", run->hook->command, NULL };
	int ends[2], result = -1;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return (error_errno(error, "pipe"));
	run->output = ends[0];
	if (io_set_nonblocking(ends[0], true) == -1)
		error_errno(error, "pipe");
	else if (set_environment(run->hook, error) == 0 &&
	    set_locale(run->hook->locale, error) == 0)
		result = process_start(&run->process,
		    (char *const *)(uintptr_t)argv, PROCESS_PIPE, ends[1], ends[1],
		    true, error);
	io_close(&ends[1]);
	run->feed.to = run->process.input;
	run->process.input = -1;
	return (result);
}

/* --- what it prints --- */

static void
show_line(struct run *run)
{
	if (run->line_length > 0)
		diag("%s: %.*s", run->hook->option, (int)run->line_length,
		    run->line);
	run->line_length = 0;
}

static void
show(struct run *run, const char *text, size_t length)
{
	for (size_t i = 0; i < length && run->shown <= SNAP_HOOK_SHOWN; i++) {
		if (++run->shown > SNAP_HOOK_SHOWN) {
			show_line(run);
			diag("%s prints more than %u bytes: the rest is not shown",
			    run->hook->option, SNAP_HOOK_SHOWN);
			return;
		}
		if (text[i] == '\n' || run->line_length == sizeof(run->line))
			show_line(run);
		if (text[i] != '\n')	/* and a NUL would hide the rest */
			run->line[run->line_length++] =
			    text[i] == '\0' ? '?' : text[i];
	}
}

/* At most what a pipe holds: a flood must not keep us here. */
static void
read_output(struct run *run)
{
	char chunk[4096];
	ssize_t got;

	for (int i = 0; i < 16 && run->output != -1; i++) {
		got = io_read(run->output, chunk, sizeof(chunk));
		if (got > 0)
			show(run, chunk, (size_t)got);
		else if (got == -1 && errno == EAGAIN)
			return;
		else
			io_close(&run->output);
	}
}

/* --- its end --- */

static void
tell_to_end(struct run *run, int64_t now)
{
	process_signal(&run->process, SIGTERM);
	run->state = TOLD_TO_END;
	run->deadline = now + SNAP_HOOK_TERM_MS;
}

static void
check_deadline(struct run *run, int64_t now)
{
	if (now < run->deadline)
		return;
	switch (run->state) {
	case RUNNING:
		run->late = true;
		tell_to_end(run, now);
		break;
	case TOLD_TO_END:
		process_signal(&run->process, SIGKILL);
		run->state = KILLED;
		run->deadline = now + SNAP_HOOK_TERM_MS;
		break;
	case KILLED:
		/* It belongs to another user, as behind sudo(8), or the kernel has it. */
		diag("%s cannot be ended: process %ld", run->hook->option,
		    (long)run->process.pid);
		run->state = GIVEN_UP;
		break;
	case ENDED:
		run->state = OVER;
		break;
	case OVER:
	case GIVEN_UP:
		break;
	}
}

static void
check_signals(struct run *run, int *ended_by, int64_t now)
{
	const int number = signals_take_end();
	const bool goes_on = run->hook->lasts && *ended_by == 0;

	if (number == 0)
		return;
	if (*ended_by == 0)
		*ended_by = number;
	if (run->state == RUNNING && !goes_on)
		tell_to_end(run, now);
}

static void
check_end(struct run *run, int64_t now)
{
	if (run->state < ENDED && process_has_ended(&run->process)) {
		run->state = ENDED;
		run->deadline = now + SNAP_HOOK_GRACE_MS;
	}
	if (run->state == ENDED && run->output == -1)
		run->state = OVER;
}

static void
attend(struct run *run, int *ended_by)
{
	struct pollfd entries[2];
	int64_t now;

	while (run->state < OVER) {
		entries[0] = (struct pollfd){ .fd = run->output, .events = POLLIN };
		feed_wait(&run->feed, &entries[1]);
		io_poll(entries, 2, run->deadline);
		signals_take(SIGCHLD);
		now = io_now();
		read_output(run);
		feed_move(&run->feed);
		check_end(run, now);
		check_signals(run, ended_by, now);
		check_deadline(run, now);
	}
}

/* Kill the rest of its group, and show what that had printed. */
static int
finish(struct run *run)
{
	int exit_code = EXIT_SIGNAL + SIGKILL;

	process_signal(&run->process, SIGKILL);
	if (run->state == OVER)
		exit_code = process_wait(&run->process);
	read_output(run);
	show_line(run);
	io_close(&run->output);
	feed_free(&run->feed);
	return (exit_code);
}

int
snap_hook_run(const struct snap_hook *hook, int *ended_by, int *exit_code,
    struct error *error)
{
	struct run run = { .hook = hook, .process = PROCESS_NONE,
	    .feed = FEED_NONE, .output = -1,
	    .deadline = io_now() + hook->seconds * 1000 };
	int number;

	*exit_code = -1;
	signals_catch(SIGCHLD);
	signals_catch_ends();
	run.feed.bytes = (const uint8_t *)hook->input;
	run.feed.left = hook->input_length;
	if (start(&run, error) == -1) {
		io_close(&run.output);
		setenv("LC_ALL", "C", 1);
		return (error_prefix(error, "%s", hook->option));
	}
	attend(&run, ended_by);
	*exit_code = finish(&run);
	if (set_locale("C", error) == -1)
		return (-1);
	number = process_code_signal(*exit_code);
	if (run.late)
		return (error_set(error, EXIT_FAILED, "%s did not end within "
		    "%" PRId64 " s", hook->option, hook->seconds));
	if (number != 0)
		return (error_set(error, EXIT_FAILED, "%s was ended by signal %d (%s)",
		    hook->option, number, strsignal(number)));
	if (*exit_code != 0)
		return (error_set(error, EXIT_FAILED, "%s ended with status %d",
		    hook->option, *exit_code));
	return (0);
}
