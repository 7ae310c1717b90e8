#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "step/command.h"

#define QUOTE_MAX 32	/* bytes of an answer that is none */

/*
 * Does a terminal belong to us?  Then ssh may want to ask there for a
 * passphrase, which only the terminal's own process group may do; Ctrl-C
 * reaches the whole group anyway.  Otherwise each command gets a group of
 * its own, so that ending it ends what its shell has started, too.
 */
static bool
have_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool ours;

	if (fd == -1)
		return (false);
	ours = tcgetpgrp(fd) == getpgrp();
	close(fd);
	return (ours);
}

int
command_start(struct command *command, const char *role, const char *string,
    const char *method, int input, const char *request, bool stream_follows,
    struct error *error)
{
	const char *argv[] = { "sh", "-c", NULL, "zr", method, NULL, NULL };
	const size_t length = request != NULL ? strlen(request) : 0;
	char *line;
	int result;

	*command = (struct command){ .role = role, .endpoint = ENDPOINT_NONE,
	    .stream_follows = stream_follows };
	if (asprintf(&line, "%s \"$@\"", string) == -1)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	argv[2] = line;
	if (input == PROCESS_PIPE) {
		command->request = request;
		command->request_left = length;
	} else if (length > COMMAND_ARGUMENT_MAX) {
		free(line);
		return (error_set(error, EXIT_USAGE,
		    "the request is longer than %u bytes", COMMAND_ARGUMENT_MAX));
	} else
		argv[5] = request;
	result = process_start(&command->endpoint.process,
	    (char *const *)(uintptr_t)argv, input, PROCESS_PIPE, PROCESS_PIPE,
	    !have_terminal(), error);
	command->endpoint.show = role;
	free(line);
	return (result);
}

/* May more of the answer come? */
static bool
wants_answer(const struct command *command)
{
	return (command->endpoint.process.output != -1 && !command->answered &&
	    command->answer_length < sizeof(command->answer));
}

void
command_poll(const struct command *command, struct pollfd entries[COMMAND_ENTRIES])
{
	const struct process *process = &command->endpoint.process;

	entries[0] = (struct pollfd){ .fd = process->input, .events = POLLOUT };
	entries[1] = (struct pollfd){ .events = POLLIN,
	    .fd = wants_answer(command) ? process->output : -1 };
	entries[2] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
}

/* An endpoint that does not want its request is no error: it may know why. */
static void
write_request(struct command *command)
{
	ssize_t put;

	put = io_write(command->endpoint.process.input, command->request,
	    command->request_left);
	if (put == -1 && errno == EAGAIN)
		return;
	if (put > 0) {
		command->request += put;
		command->request_left -= (size_t)put;
	}
	if (put == -1 || command->request_left == 0)
		io_close(&command->endpoint.process.input);
}

/*
 * Until there is no more for now.  Where a stream follows, byte by byte: what
 * is behind the newline belongs to whoever gets the pipe next.  Otherwise what
 * is too long is not to keep its writer waiting for us: EPIPE ends it.
 */
static void
read_answer(struct command *command)
{
	ssize_t got;

	while (wants_answer(command)) {
		got = io_read(command->endpoint.process.output,
		    command->answer + command->answer_length,
		    command->stream_follows ? 1 :
		    sizeof(command->answer) - command->answer_length);
		if (got == -1 && errno == EAGAIN)
			return;
		if (got <= 0) {
			io_close(&command->endpoint.process.output);
			return;
		}
		command->answer_length += (size_t)got;
		if (command->stream_follows &&
		    command->answer[command->answer_length - 1] == '\n')
			command->answered = true;
	}
	if (!command->stream_follows &&
	    command->answer_length == sizeof(command->answer))
		io_close(&command->endpoint.process.output);
}

void
command_handle(struct command *command,
    const struct pollfd entries[COMMAND_ENTRIES], int64_t now)
{
	if (entries[0].revents != 0 && command->endpoint.process.input != -1)
		write_request(command);
	/* First whether it has ended, then what it left: nothing is lost. */
	endpoint_check(&command->endpoint, now);
	if (entries[1].revents != 0 || command->endpoint.ended)
		read_answer(command);
	if (entries[2].revents != 0 || command->endpoint.ended)
		endpoint_read_errors(&command->endpoint);
	/* Of one that failed, the last line waits for whoever says why. */
	if (command->endpoint.ended ? command->endpoint.exit_code == 0 :
	    now >= command->endpoint.held_until)
		command_show(command);
	if (command->endpoint.ended)
		command->endpoint.held_until = INT64_MAX;
}

void
command_show(struct command *command)
{
	if (command->endpoint.held_length > 0)
		endpoint_show_held(&command->endpoint);
}

const char *
command_answer(struct command *command, struct error *error)
{
	const char *newline;

	newline = memchr(command->answer, '\n', command->answer_length);
	if (newline == NULL && command->answer_length == sizeof(command->answer)) {
		error_set(error, EXIT_PROTOCOL, "%s: the answer is longer than "
		    "%u bytes", command->role, COMMAND_ANSWER_MAX);
		return (NULL);
	}
	if (newline == NULL) {
		error_set(error, EXIT_PROTOCOL, "%s: no answer line",
		    command->role);
		return (NULL);
	}
	if (command->answer[0] != '{') {
		error_set(error, EXIT_PROTOCOL, "%s: the answer is not JSON, but "
		    "begins with \"%.*s\" (does a shell start-up file print?)",
		    command->role, (int)(newline - command->answer < QUOTE_MAX ?
		    newline - command->answer : QUOTE_MAX), command->answer);
		return (NULL);
	}
	if (newline + 1 != command->answer + command->answer_length) {
		error_set(error, EXIT_PROTOCOL, "%s: more than one answer line",
		    command->role);
		return (NULL);
	}
	command->answer[command->answer_length - 1] = '\0';
	if (strlen(command->answer) != command->answer_length - 1) {
		error_set(error, EXIT_PROTOCOL, "%s: a NUL byte in the answer",
		    command->role);
		return (NULL);
	}
	return (command->answer);
}

bool
command_succeeded(const struct command *command)
{
	return (command->endpoint.ended && command->endpoint.exit_code == 0);
}

/*
 * Of one that a signal ended, the last words do not say so.  Its text may
 * be about something else altogether.
 */
static const char *
with_signal(const struct command *command, const char *text)
{
	static char line[ENDPOINT_TEXT_MAX + 64];
	const int number = process_code_signal(command->endpoint.exit_code);

	if (number == 0 || command->endpoint.text_length == 0)
		return (text);
	snprintf(line, sizeof(line), "ended by signal %d after saying: %s",
	    number, text);
	return (line);
}

const char *
command_reason(struct command *command)
{
	static char line[ENDPOINT_TEXT_MAX + 2];

	strlcpy(line, endpoint_text(&command->endpoint), sizeof(line));
	for (char *c = line; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	return (with_signal(command, line));
}

/* The hints that follow the last line, each with our role in front. */
static void
take_hints(struct command *command)
{
	const char *line = endpoint_take_held(&command->endpoint);

	for (; *line != '\0'; line += strcspn(line, "\n") + 1)
		snprintf(command->hints + strlen(command->hints),
		    sizeof(command->hints) - strlen(command->hints), "%s: %.*s\n",
		    command->role, (int)strcspn(line, "\n"), line);
}

const char *
command_last_line(struct command *command)
{
	static char line[ENDPOINT_TEXT_MAX + 1];
	char *newline;

	strlcpy(line, endpoint_text(&command->endpoint), sizeof(line));
	/* Advice follows the error that it is about. */
	while ((newline = strrchr(line, '\n')) != NULL &&
	    strstr(newline, DIAG_HINT) != NULL)
		*newline = '\0';
	take_hints(command);
	return (with_signal(command, newline != NULL ? newline + 1 : line));
}
