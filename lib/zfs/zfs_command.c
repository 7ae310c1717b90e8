#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/feed.h"
#include "base/io.h"
#include "base/process.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_host.h"

#define KILL_MS 3000	/* from giving a stream up to SIGKILL */

static int ended_by;		/* the signal that told us to end; 0: none */

void
zfs_init(void)
{
	const char *path = getenv("PATH");
	char *longer;

	/* zfs is in directories that an ordinary user's PATH lacks. */
	if (asprintf(&longer, "%s%s/usr/local/sbin:/usr/sbin:/sbin",
	    path == NULL ? "" : path, path == NULL ? "" : ":") != -1) {
		setenv("PATH", longer, 1);
		free(longer);
	}
	setenv("LC_ALL", "C", 1);
}

/* Called for the first command: until then such a signal just ends us. */
static void
catch_signals(void)
{
	signals_catch(SIGCHLD);
	signals_catch_ends();
}

void
zfs_let_go(void)
{
	signals_restore();
	signal(SIGPIPE, SIG_IGN);
}

struct zfs_arguments
zfs_arguments(const char *first, ...)
{
	const char *program = getenv(ZFS_ENVIRONMENT), *argument = first;
	struct zfs_arguments arguments = { .items = NULL };
	va_list list;

	zfs_arguments_add(&arguments, program == NULL ? "zfs" : program);
	va_start(list, first);
	for (; argument != NULL; argument = va_arg(list, const char *))
		zfs_arguments_add(&arguments, argument);
	va_end(list);
	return (arguments);
}

void
zfs_arguments_add(struct zfs_arguments *arguments, const char *argument)
{
	const char **grown;

	if (arguments->count + 2 > arguments->capacity) {
		arguments->capacity = arguments->capacity * 2 + 16;
		grown = reallocarray(arguments->items, arguments->capacity,
		    sizeof(*grown));
		if (grown == NULL) {
			arguments->capacity = 0;
			arguments->out_of_memory = true;
		} else
			arguments->items = grown;
	}
	if (arguments->out_of_memory)
		return;
	arguments->items[arguments->count++] = argument;
	arguments->items[arguments->count] = NULL;
}

void
zfs_arguments_free(struct zfs_arguments *arguments)
{
	free(arguments->items);
	*arguments = (struct zfs_arguments){ .items = NULL };
}

/* Read a pipe's contents; false at its end, or if there is no room for more (*lost). */
static bool
drain(int fd, struct buffer *into, bool *lost)
{
	char chunk[16384];
	ssize_t got;

	while ((got = io_read(fd, chunk, sizeof(chunk))) > 0)
		if (into != NULL &&
		    buffer_append(into, chunk, (size_t)got) == -1) {
			*lost = true;
			return (false);
		}
	return (got == -1 && errno == EAGAIN);
}

/* A command that runs: what it prints, and the end that it may need. */
struct run {
	const struct zfs_arguments *arguments;
	struct process process;
	struct feed feed;
	struct buffer *output;		/* NULL: not read */
	bool writes_output;		/* ours, by itself */
	bool lost;			/* output had no room for some of it */
	char words[ZFS_WORDS_MAX];
	size_t length;			/* of words */
	struct zfs_host_watch watch;	/* on another host */
	int64_t begin_by;		/* when it must have begun there */
	int64_t next_at;		/* to end it further; IO_FOREVER: not begun, */
					/* or done */
	enum { PATIENT, TOLD_TO_END, KILLED, LEFT_ALONE } state;
};

/* Keep the beginning, and drop the rest: the command must not block on a full pipe. */
static bool
drain_words(struct run *run)
{
	char chunk[4096];
	size_t room;
	ssize_t got;

	while ((got = io_read(run->process.errors, chunk, sizeof(chunk))) > 0) {
		if (zfs_host() != NULL) {
			zfs_host_hear(&run->watch, chunk, (size_t)got, run->words,
			    &run->length, ZFS_WORDS_MAX);
			continue;
		}
		room = ZFS_WORDS_MAX - run->length;
		if (room > (size_t)got)
			room = (size_t)got;
		memcpy(run->words + run->length, chunk, room);
		run->length += room;
	}
	return (got == -1 && errno == EAGAIN);
}

static void
pass_signals(const struct process *process)
{
	int number;

	while ((number = signals_take_end()) != 0) {
		ended_by = number;
		process_signal(process, SIGTERM);
	}
}

static int
check_ended(struct error *error)
{
	const struct process none = PROCESS_NONE;

	pass_signals(&none);
	if (ended_by == 0)
		return (0);
	return (error_set(error, EXIT_SIGNAL + ended_by,
	    "ended by signal %d (%s)", ended_by, strsignal(ended_by)));
}

/*
 * Giving up the stream that the command reads: after SIGTERM it saves its state, so that
 * the stream can be resumed; SIGKILL follows.  So it is, with end_ms, if a signal ends us;
 * a command that even SIGKILL does not end, as the kernel has it, is then left alone.  And
 * so it is if the command does not begin on another host.
 */
static int64_t
end_deadline(const struct run *run)
{
	const struct verdict *verdict = run->arguments->verdict;
	int64_t deadline = run->next_at;

	if (run->state > PATIENT)
		return (deadline);
	if (zfs_host() != NULL && run->watch.state == ZFS_HOST_SILENT)
		deadline = io_earlier(deadline, run->begin_by);
	return (verdict == NULL ? deadline :
	    io_earlier(deadline, verdict_deadline(verdict)));
}

static void
end_if_due(struct run *run)
{
	const int64_t now = io_now(), end_ms = run->arguments->end_ms;

	if (run->state == PATIENT && ended_by != 0 && end_ms != 0) {
		run->state = TOLD_TO_END;		/* by pass_signals() */
		run->next_at = now + end_ms;
	} else if (now >= end_deadline(run)) {
		process_signal(&run->process, run->state == PATIENT ? SIGTERM :
		    SIGKILL);
		run->next_at = ++run->state == TOLD_TO_END ?
		    now + KILL_MS : end_ms != 0 ? now + end_ms : IO_FOREVER;
	}
}

/* Read its output and fill its standard input until it has ended and all was read. */
static void
attend(struct run *run)
{
	struct verdict *verdict = run->arguments->verdict;
	struct progress *progress = run->arguments->progress;
	struct process *process = &run->process;
	struct pollfd entries[4];
	bool ended;

	do {
		entries[0] = (struct pollfd){ .fd = process->output, .events = POLLIN };
		entries[1] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
		feed_wait(&run->feed, &entries[2]);
		entries[3] = (struct pollfd){ .events = POLLIN,
		    .fd = verdict != NULL ? verdict->fd : -1 };
		signals_take(SIGCHLD);
		ended = process_has_ended(process);
		if (!ended) {
			io_poll(entries, 4, progress == NULL ? end_deadline(run) :
			    io_earlier(end_deadline(run), progress_deadline(progress)));
			if (entries[3].revents != 0)
				verdict_read(verdict);
			pass_signals(process);
			end_if_due(run);
		}
		feed_move(&run->feed);
		if (progress != NULL)
			progress_tick(progress, run->feed.moved, io_now());
		if (process->output != -1 &&
		    !drain(process->output, run->output, &run->lost)) {
			/* If it printed too much, it gets EPIPE from now on. */
			io_close(&process->output);
		}
		if (process->errors != -1 && !drain_words(run))
			io_close(&process->errors);
	} while (!ended && run->state != LEFT_ALONE);
	if (progress != NULL)
		progress_end(progress, run->feed.moved);
}

/* Start it; feed will fill its standard input. */
static int
start(struct run *run, const char *const words[], enum zfs_flags flags,
    struct error *error)
{
	const struct zfs_arguments *arguments = run->arguments;
	const bool feeding = arguments->input_length > 0 || arguments->progress != NULL;

	if (process_start(&run->process, (char *const *)(uintptr_t)words,
	    feeding ? PROCESS_PIPE :
	    flags & ZFS_READ_INPUT ? PROCESS_INHERIT : PROCESS_NULL,
	    flags & ZFS_WRITE_OUTPUT ? PROCESS_INHERIT :
	    run->output != NULL ? PROCESS_PIPE : PROCESS_NULL,
	    PROCESS_PIPE, false, error) == -1)
		return (-1);
	run->feed.to = run->process.input;
	run->feed.bytes = arguments->input;
	run->feed.left = arguments->input_length;
	run->feed.from = flags & ZFS_READ_INPUT ? STDIN_FILENO : -1;
	run->process.input = -1;
	run->begin_by = io_now() + ZFS_HOST_BEGIN_MS;
	return (0);
}

static int
start_there(struct run *run, enum zfs_flags flags, struct error *error)
{
	struct zfs_host_command command;
	int result;

	result = zfs_host_command(&command, run->arguments->items,
	    run->output != NULL, error);
	if (result == 0)
		result = start(run, command.words, flags, error);
	zfs_host_command_free(&command);
	return (result);
}

/*
 * Does nobody read the stream any more?  zfs on the other host then gets SIGPIPE, but the
 * line with its status need not arrive before ssh ends.
 */
static bool
stream_unwanted(const struct run *run)
{
	return (run->writes_output && run->watch.state == ZFS_HOST_BEGUN &&
	    (io_ready(STDOUT_FILENO, POLLOUT) & (POLLERR | POLLHUP)) != 0);
}

/* How it ended, unless a signal or the verdict ended it. */
static int
conclude(struct run *run, int exit_code, struct zfs_report *report,
    struct error *error)
{
	if (zfs_host() != NULL && stream_unwanted(run))
		report->exit_code = EXIT_SIGNAL + SIGPIPE;
	else if (zfs_host() != NULL) {
		if (run->state != PATIENT && run->watch.state == ZFS_HOST_SILENT)
			return (error_set(error, EXIT_TIMEOUT, "%s did not run the "
			    "command within %d seconds: ssh or the login shell there "
			    "waits for something", zfs_host(),
			    ZFS_HOST_BEGIN_MS / 1000));
		if (zfs_host_judge(&run->watch, exit_code, report->words,
		    run->output, error) == -1)
			return (-1);
		strlcpy(report->user, run->watch.user, sizeof(report->user));
	}
	if (run->lost)
		return (error_set(error, EXIT_FAILED, "zfs printed more than "
		    "there is room for (%zu bytes)", buffer_length(run->output)));
	return (zfs_host() == NULL || run->output == NULL ? 0 :
	    zfs_host_take_output(run->output, exit_code, error));
}

int
zfs_run(const struct zfs_arguments *arguments, enum zfs_flags flags,
    struct buffer *output, struct zfs_report *report, struct error *error)
{
	struct run run = { .arguments = arguments, .process = PROCESS_NONE,
	    .feed = FEED_NONE, .output = output, .watch = ZFS_HOST_WATCH,
	    .writes_output = (flags & ZFS_WRITE_OUTPUT) != 0,
	    .next_at = IO_FOREVER };

	if (arguments->out_of_memory)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	catch_signals();
	if (check_ended(error) == -1 || (zfs_host() != NULL ?
	    start_there(&run, flags, error) :
	    start(&run, arguments->items, flags, error)) == -1)
		return (-1);
	attend(&run);
	process_close(&run.process);
	feed_free(&run.feed);
	if (run.state == LEFT_ALONE)
		return (error_set(error, EXIT_SIGNAL + ended_by, "ended by signal %d "
		    "(%s), but zfs %s cannot be ended: process %ld", ended_by,
		    strsignal(ended_by), arguments->items[1],
		    (long)run.process.pid));
	report->exit_code = process_wait(&run.process);
	utf8_sanitize(report->words, run.words, run.length);
	report->command = arguments->items[1];
	report->user[0] = '\0';
	strlcpy(report->dataset, arguments->items[arguments->count - 1],
	    sizeof(report->dataset));
	if (check_ended(error) == -1 || (run.state != PATIENT &&
	    arguments->verdict != NULL &&
	    verdict_check(arguments->verdict, error) == -1))
		return (-1);
	return (conclude(&run, report->exit_code, report, error));
}

int
zfs_do(const struct zfs_arguments *arguments, enum zfs_flags flags,
    struct error *error)
{
	struct zfs_report report;

	if (zfs_run(arguments, flags, NULL, &report, error) == -1)
		return (-1);
	if (report.exit_code != 0)
		return (zfs_failed(&report, error));
	/* It may have succeeded only in part: then its words say so. */
	diag_lines(report.words, strlen(report.words));
	return (0);
}

int
zfs_reach(struct error *error)
{
	const char *const words[] = { "true", "true", NULL };
	const struct zfs_arguments arguments = { .count = 2,
	    .items = (const char **)(uintptr_t)words };
	struct zfs_report report;

	return (zfs_host() == NULL ? 0 :
	    zfs_run(&arguments, 0, NULL, &report, error));
}
