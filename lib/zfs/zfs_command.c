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

/* Keep the beginning, and drop the rest: the command must not block on a full pipe. */
static bool
drain_words(int fd, char *words, size_t *length)
{
	char chunk[4096];
	size_t room;
	ssize_t got;

	while ((got = io_read(fd, chunk, sizeof(chunk))) > 0) {
		room = ZFS_WORDS_MAX - *length;
		if (room > (size_t)got)
			room = (size_t)got;
		memcpy(words + *length, chunk, room);
		*length += room;
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
 * a command that even SIGKILL does not end, as the kernel has it, is then left alone.
 */
struct giving_up {
	const struct zfs_arguments *arguments;
	int64_t next_at;		/* IO_FOREVER: not begun, or done */
	enum { PATIENT, TOLD_TO_END, KILLED, LEFT_ALONE } state;
};

static int64_t
giving_up_deadline(const struct giving_up *giving_up)
{
	return (giving_up->state > PATIENT || giving_up->arguments->verdict == NULL ?
	    giving_up->next_at : verdict_deadline(giving_up->arguments->verdict));
}

static void
give_up(struct giving_up *giving_up, const struct process *process)
{
	const int64_t now = io_now(), end_ms = giving_up->arguments->end_ms;

	if (giving_up->state == PATIENT && ended_by != 0 && end_ms != 0) {
		giving_up->state = TOLD_TO_END;		/* by pass_signals() */
		giving_up->next_at = now + end_ms;
	} else if (now >= giving_up_deadline(giving_up)) {
		process_signal(process, giving_up->state == PATIENT ? SIGTERM :
		    SIGKILL);
		giving_up->next_at = ++giving_up->state == TOLD_TO_END ?
		    now + KILL_MS : end_ms != 0 ? now + end_ms : IO_FOREVER;
	}
}

/*
 * Read its output and fill its standard input until it has ended and everything was read.
 * False if there was no room for some of its output.
 */
static bool
attend(struct process *process, struct feed *feed, struct giving_up *giving_up,
    struct buffer *output, char *words, size_t *length)
{
	struct verdict *verdict = giving_up->arguments->verdict;
	struct pollfd entries[4];
	bool ended, lost = false;

	do {
		entries[0] = (struct pollfd){ .fd = process->output, .events = POLLIN };
		entries[1] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
		feed_wait(feed, &entries[2]);
		entries[3] = (struct pollfd){ .events = POLLIN,
		    .fd = verdict != NULL ? verdict->fd : -1 };
		signals_take(SIGCHLD);
		ended = process_has_ended(process);
		if (!ended) {
			io_poll(entries, 4, giving_up_deadline(giving_up));
			if (entries[3].revents != 0)
				verdict_read(verdict);
			pass_signals(process);
			give_up(giving_up, process);
		}
		feed_move(feed);
		if (process->output != -1 &&
		    !drain(process->output, output, &lost)) {
			/* If it printed too much, it gets EPIPE from now on. */
			io_close(&process->output);
		}
		if (process->errors != -1 &&
		    !drain_words(process->errors, words, length))
			io_close(&process->errors);
	} while (!ended && giving_up->state != LEFT_ALONE);
	return (!lost);
}

/* Start it; feed will fill its standard input. */
static int
start(struct process *process, const struct zfs_arguments *arguments,
    enum zfs_flags flags, bool read_output, struct feed *feed,
    struct error *error)
{
	const bool feeding = arguments->input_length > 0;

	*feed = FEED_NONE;
	if (process_start(process, (char *const *)(uintptr_t)arguments->items,
	    feeding ? PROCESS_PIPE :
	    flags & ZFS_READ_INPUT ? PROCESS_INHERIT : PROCESS_NULL,
	    flags & ZFS_WRITE_OUTPUT ? PROCESS_INHERIT :
	    read_output ? PROCESS_PIPE : PROCESS_NULL,
	    PROCESS_PIPE, false, error) == -1)
		return (-1);
	feed->to = process->input;
	feed->bytes = arguments->input;
	feed->left = arguments->input_length;
	feed->from = flags & ZFS_READ_INPUT ? STDIN_FILENO : -1;
	process->input = -1;
	return (0);
}

int
zfs_run(const struct zfs_arguments *arguments, enum zfs_flags flags,
    struct buffer *output, struct zfs_report *report, struct error *error)
{
	struct process process = PROCESS_NONE;
	char words[ZFS_WORDS_MAX];
	struct giving_up giving_up = { .arguments = arguments,
	    .next_at = IO_FOREVER };
	struct feed feed;
	size_t length = 0;
	bool whole;

	if (arguments->out_of_memory)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	catch_signals();
	if (check_ended(error) == -1 || start(&process, arguments, flags,
	    output != NULL, &feed, error) == -1)
		return (-1);
	whole = attend(&process, &feed, &giving_up, output, words, &length);
	process_close(&process);
	feed_free(&feed);
	if (giving_up.state == LEFT_ALONE)
		return (error_set(error, EXIT_SIGNAL + ended_by, "ended by signal %d "
		    "(%s), but zfs %s cannot be ended: process %ld", ended_by,
		    strsignal(ended_by), arguments->items[1], (long)process.pid));
	report->exit_code = process_wait(&process);
	utf8_sanitize(report->words, words, length);
	report->command = arguments->items[1];
	strlcpy(report->dataset, arguments->items[arguments->count - 1],
	    sizeof(report->dataset));
	if (check_ended(error) == -1 || (giving_up.state != PATIENT &&
	    verdict_check(arguments->verdict, error) == -1))
		return (-1);
	if (!whole)
		return (error_set(error, EXIT_FAILED, "zfs printed more than "
		    "there is room for (%zu bytes)", buffer_length(output)));
	return (0);
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
