#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/utf8.h"
#include "endpoint/endpoint.h"

int
endpoint_start(struct endpoint *endpoint, char *const argv[],
    const char *method, struct error *error)
{
	size_t count = 0;
	char **line;
	int result;

	*endpoint = ENDPOINT_NONE;
	while (argv[count] != NULL)
		count++;
	line = calloc(count + 2, sizeof(*line));
	if (line == NULL)
		return (error_errno(error, "endpoint"));
	memcpy(line, argv, count * sizeof(*line));
	line[count] = (char *)(uintptr_t)method;
	result = process_start(&endpoint->process, line, PROCESS_PIPE,
	    PROCESS_PIPE, PROCESS_PIPE, true, error);
	free(line);
	return (result);
}

/* Keep the last ENDPOINT_TEXT_MAX bytes. */
static void
keep(struct endpoint *endpoint, const char *text, size_t length)
{
	size_t room = sizeof(endpoint->text) - endpoint->text_length, drop;

	if (length > sizeof(endpoint->text)) {
		text += length - sizeof(endpoint->text);
		length = sizeof(endpoint->text);
	}
	if (length > room) {
		drop = length - room;
		memmove(endpoint->text, endpoint->text + drop,
		    endpoint->text_length - drop);
		endpoint->text_length -= drop;
	}
	memcpy(endpoint->text + endpoint->text_length, text, length);
	endpoint->text_length += length;
}

/* "program: word..." or "program[client]: word..." */
static bool
says_after_name(const char *line, size_t length, const char *word)
{
	const char *colon = memmem(line, length, ": ", 2);

	return (colon != NULL && length - (size_t)(colon - line) >=
	    2 + strlen(word) && memcmp(colon + 2, word, strlen(word)) == 0);
}

void
endpoint_show_held(struct endpoint *endpoint)
{
	const char *line = endpoint->held, *newline;
	const char *const end = line + endpoint->held_length;

	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		diag("%s: %.*s", endpoint->show, (int)(newline - line), line);
	}
	endpoint->held_length = 0;
	endpoint->held_until = INT64_MAX;
}

void
endpoint_check_held(struct endpoint *endpoint, int64_t now)
{
	/* If it failed, the line is held for the function that reports the failure. */
	if (endpoint->ended ? endpoint->exit_code == EXIT_DONE :
	    now >= endpoint->held_until)
		endpoint_show_held(endpoint);
	if (endpoint->ended)
		endpoint->held_until = INT64_MAX;
}

const char *
endpoint_take_held(struct endpoint *endpoint)
{
	char *newline = memchr(endpoint->held, '\n', endpoint->held_length);

	endpoint->held[endpoint->held_length] = '\0';
	endpoint->held_length = 0;
	endpoint->held_until = INT64_MAX;
	return (newline == NULL ? "" : newline + 1);
}

/* Hold or show the line, which is now complete. */
static void
show_line(struct endpoint *endpoint)
{
	const size_t length = endpoint->line_length;

	if (length == 0)
		return;
	endpoint->line_length = 0;
	if (endpoint->held_length + length + 1 >= sizeof(endpoint->held) ||
	    !says_after_name(endpoint->line, length, DIAG_HINT))
		endpoint_show_held(endpoint);
	memcpy(endpoint->held + endpoint->held_length, endpoint->line, length);
	endpoint->held_length += length;
	endpoint->held[endpoint->held_length++] = '\n';
	endpoint->held_until = io_now() + ENDPOINT_HOLD_MS;
	if (says_after_name(endpoint->line, length, DIAG_LOG))
		endpoint_show_held(endpoint);
}

static void
show(struct endpoint *endpoint, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n') {
			show_line(endpoint);
			continue;
		}
		if (endpoint->line_length == sizeof(endpoint->line))
			show_line(endpoint);
		/* A NUL would hide the rest of the line. */
		endpoint->line[endpoint->line_length++] =
		    text[i] == '\0' ? '?' : text[i];
	}
}

void
endpoint_show(struct endpoint *endpoint, const char *before)
{
	endpoint->show = before;
	show(endpoint, endpoint->text, endpoint->text_length);
}

void
endpoint_read_errors(struct endpoint *endpoint)
{
	char buffer[4096];
	ssize_t got;

	if (endpoint->process.errors == -1)
		return;
	/* A flood must not keep us here: one pipe's worth, then back to poll(2). */
	for (int i = 0; i < 16; i++) {
		got = io_read(endpoint->process.errors, buffer, sizeof(buffer));
		if (got > 0) {
			keep(endpoint, buffer, (size_t)got);
			if (endpoint->show != NULL)
				show(endpoint, buffer, (size_t)got);
			continue;
		}
		if (endpoint->show != NULL && (got == 0 || endpoint->ended))
			show_line(endpoint);
		if (got == 0 || errno != EAGAIN)
			io_close(&endpoint->process.errors);
		return;
	}
}

static void
has_ended(struct endpoint *endpoint, int exit_code)
{
	endpoint->exit_code = exit_code;
	endpoint->ended = true;
	endpoint->kill_at = INT64_MAX;
}

/* Processes that could not be ended, until they are reaped after all. */
static pid_t left_behind[64];

#define LEFT_BEHIND_MAX (sizeof(left_behind) / sizeof(left_behind[0]))

size_t
endpoint_left_behind(void)
{
	size_t count = 0;

	for (size_t i = 0; i < LEFT_BEHIND_MAX; i++) {
		if (left_behind[i] != 0 &&
		    waitpid(left_behind[i], NULL, WNOHANG) != 0)
			left_behind[i] = 0;
		count += left_behind[i] != 0;
	}
	return (count);
}

static void
leave_behind(pid_t pid)
{
	size_t place = 0;

	endpoint_left_behind();
	while (place < LEFT_BEHIND_MAX - 1 && left_behind[place] != 0)
		place++;
	left_behind[place] = pid;
}

/*
 * The process cannot be killed: it belongs to another user (sudo(8)), or the kernel keeps
 * it.
 */
static void
give_up(struct endpoint *endpoint)
{
	diag("process %ld cannot be ended", (long)endpoint->process.pid);
	leave_behind(endpoint->process.pid);
	endpoint->process.pid = -1;
	has_ended(endpoint, EXIT_SIGNAL + SIGKILL);
}

void
endpoint_check(struct endpoint *endpoint, int64_t now)
{
	if (endpoint->ended || endpoint->process.pid == -1)
		return;
	if (process_has_ended(&endpoint->process)) {
		/* If we had to end it, end its whole process group. */
		if (endpoint->ending)
			process_signal(&endpoint->process, SIGKILL);
		has_ended(endpoint, process_wait(&endpoint->process));
	} else if (now >= endpoint->kill_at && endpoint->killed)
		give_up(endpoint);
	else if (now >= endpoint->kill_at) {
		process_signal(&endpoint->process, SIGKILL);
		endpoint->killed = true;
		endpoint->kill_at = now + ENDPOINT_KILL_MS;
	}
}

void
endpoint_end(struct endpoint *endpoint, int64_t now)
{
	if (endpoint->ending || endpoint->ended)
		return;
	endpoint->ending = true;
	process_signal(&endpoint->process, SIGTERM);
	io_close(&endpoint->process.input);
	endpoint->kill_at = now + ENDPOINT_TERM_MS;
}

/* Copy the lines that are for the peer; returns their length. */
static size_t
copy_lines(char *copy, const char *text, size_t length)
{
	const char *end = text + length, *newline;
	size_t copied = 0, line;

	for (; text < end; text += line) {
		newline = memchr(text, '\n', (size_t)(end - text));
		line = newline == NULL ? (size_t)(end - text) :
		    (size_t)(newline - text) + 1;
		if (says_after_name(text, line, DIAG_LOG))
			continue;
		memcpy(copy + copied, text, line);
		copied += line;
	}
	return (copied);
}

const char *
endpoint_text(const struct endpoint *endpoint)
{
	static char text[ENDPOINT_TEXT_MAX + 1];
	char lines[ENDPOINT_TEXT_MAX];
	const char *start = lines;
	size_t length = copy_lines(lines, endpoint->text, endpoint->text_length);

	/* If the front was cut off, do not begin inside a character. */
	if (endpoint->text_length == sizeof(endpoint->text))
		while (length > 0 && ((unsigned char)*start & 0xc0) == 0x80) {
			start++;
			length--;
		}
	while (length > 0 && strchr(" \t\r\n", start[length - 1]) != NULL)
		length--;
	utf8_sanitize(text, start, length);
	if (length == 1)
		strlcat(text, ".", sizeof(text));
	if (length == 0 && process_code_signal(endpoint->exit_code) != 0)
		snprintf(text, sizeof(text), "endpoint ended by signal %d",
		    process_code_signal(endpoint->exit_code));
	else if (length == 0)
		snprintf(text, sizeof(text), "endpoint ended with status %d",
		    endpoint->exit_code);
	return (text);
}

void
endpoint_log(const struct endpoint *endpoint)
{
	diag_lines(endpoint->text, endpoint->text_length);
}

void
endpoint_free(struct endpoint *endpoint)
{
	if (endpoint->process.pid != -1) {
		endpoint_end(endpoint, io_now());
		while (!endpoint->ended) {
			endpoint_check(endpoint, io_now());
			if (!endpoint->ended)
				io_poll(NULL, 0, io_now() + 10);
		}
	}
	process_close(&endpoint->process);
}
