#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "step/command.h"
#include "step/command_words.h"

#define QUOTE_MAX 32	/* bytes of a malformed answer, in an error */
#define REQUEST_FD 10	/* the first that is nobody's: 6 and 7 are the network's */

/* Standard input and output: descriptors, or PROCESS_PIPE. */
struct ends {
	int input, output;
};

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

static int
run(struct command *command, const char *const argv[], struct ends ends,
    struct error *error)
{
	return (process_start(&command->call.endpoint.process,
	    (char *const *)(uintptr_t)argv, ends.input, ends.output, PROCESS_PIPE,
	    !have_terminal(), error));
}

static int
start_shell(struct command *command, const char *string, const char *method,
    const char *request, struct ends ends, struct error *error)
{
	const char *argv[] = { "sh", "-c", NULL, "zr", method, request, NULL };
	char *line;
	int result;

	if (asprintf(&line, "%s \"$@\"", string) == -1)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	argv[2] = line;
	result = run(command, argv, ends, error);
	free(line);
	return (result);
}

/*
 * request NULL: no argument.  A program that cannot be executed is left to the shell,
 * which says why.
 */
static int
start(struct command *command, const char *string, const char *method,
    const char *request, struct ends ends, struct error *error)
{
	struct command_words words;
	int result = -1;

	if (command_words_split(&words, string, 2) == 1) {
		words.argv[words.count] = method;
		words.argv[words.count + 1] = request;
		result = run(command, words.argv, ends, error);
		command_words_free(&words);
	}
	if (result == -1)
		result = start_shell(command, string, method, request, ends, error);
	if (result == -1)
		call_free(&command->call);
	return (result);
}

int
command_start_text(struct command *command, const char *string,
    const char *method, const char *request, size_t length, size_t answer_max,
    int input, struct error *error)
{
	command->method = method_by_name(method);
	command->call = CALL_NONE(command->method->kind);
	command->call.answer = BUFFER_EMPTY(answer_max);
	command->call.endpoint.show = command->role;
	if (input != PROCESS_PIPE && length > COMMAND_ARGUMENT_MAX)
		return (error_set(error, EXIT_USAGE, "the request is longer "
		    "than %u bytes", COMMAND_ARGUMENT_MAX));
	if (input == PROCESS_PIPE) {
		if (call_request(&command->call, request, length, error) == -1) {
			call_free(&command->call);
			return (-1);
		}
		request = NULL;
	}
	return (start(command, string, method, request,
	    (struct ends){ input, PROCESS_PIPE }, error));
}

int
command_start(struct command *command, const char *string, const char *method,
    const ProtobufCMessage *request, int input, struct error *error)
{
	size_t length;
	char *text = pbjson_print(request, &length, error);
	int result;

	if (text == NULL)
		return (-1);
	result = command_start_text(command, string, method, text, length,
	    COMMAND_ANSWER_MAX, input, error);
	free(text);
	return (result);
}

/* With a terminal, ssh may ask for a passphrase: as few of them as possible. */
bool
command_can_wait(const char *string)
{
	struct command_words words;
	const char *name;
	bool result;

	if (command_words_split(&words, string, 0) != 1)
		return (false);
	name = strrchr(words.argv[0], '/');
	result = strcmp(name == NULL ? words.argv[0] : name + 1, "zr-remote") == 0;
	for (size_t i = 1; result && i < words.count; i++)
		if (strncmp(words.argv[i], "ssh:", 4) == 0)
			result = !have_terminal();
	command_words_free(&words);
	return (result);
}

/* The pipe of ZR_REQUEST: our end is returned, theirs named in the environment. */
static int
open_request(int *theirs, struct error *error)
{
	int ends[2], result = -1;
	char number[16];

	*theirs = -1;
	if (pipe2(ends, O_CLOEXEC) == -1)
		return (error_errno(error, "pipe"));
	*theirs = fcntl(ends[0], F_DUPFD, REQUEST_FD);
	close(ends[0]);
	snprintf(number, sizeof(number), "%d", *theirs);
	if (*theirs != -1 && io_set_nonblocking(ends[1], true) == 0 &&
	    setenv(REQUEST_ENVIRONMENT, number, 1) == 0)
		result = ends[1];
	else {
		error_errno(error, "pipe");
		close(ends[1]);
		io_close(theirs);
	}
	return (result);
}

int
command_start_ahead(struct command *command, const char *string,
    const char *method, int input, int output, struct error *error)
{
	int ours = -1, theirs = -1, result;

	command->method = method_by_name(method);
	command->call = CALL_NONE(command->method->kind);
	command->call.answer = BUFFER_EMPTY(COMMAND_ANSWER_MAX);
	if (input != PROCESS_PIPE && (ours = open_request(&theirs, error)) == -1)
		return (-1);
	result = start(command, string, method, NULL,
	    (struct ends){ input, output }, error);
	unsetenv(REQUEST_ENVIRONMENT);
	io_close(&theirs);
	if (result == 0 && ours != -1)
		command->call.endpoint.process.input = ours;
	else
		io_close(&ours);
	return (result);
}

int
command_request(struct command *command, const ProtobufCMessage *request,
    struct error *error)
{
	size_t length;
	char *text = pbjson_print(request, &length, error);
	int result;

	if (text == NULL)
		return (-1);
	result = call_request(&command->call, text, length, error);
	free(text);
	endpoint_show(&command->call.endpoint, command->role);
	return (result);
}

bool
command_left_request(const struct command *command)
{
	const struct call *call = &command->call;
	int unread = 0;

	return (call->unread || buffer_length(&call->request) > 0 ||
	    (call->endpoint.process.input != -1 &&
	    ioctl(call->endpoint.process.input, FIONREAD, &unread) == 0 &&
	    unread > 0));
}

int
command_start_batch(struct command *command, const char *string,
    struct error *error)
{
	command->call.endpoint.show = command->role;
	return (start(command, string, "batch", NULL,
	    (struct ends){ PROCESS_PIPE, PROCESS_PIPE }, error));
}

void
command_handle(struct command *command,
    const struct pollfd entries[CALL_ENTRIES], int64_t now)
{
	call_move(&command->call, entries, now);
	call_check(&command->call, now);
}

bool
command_runs(const struct command *command)
{
	return (command->call.endpoint.process.pid != -1);
}

bool
command_succeeded(const struct command *command)
{
	return (command->call.endpoint.ended &&
	    command->call.endpoint.exit_code == EXIT_DONE);
}

bool
command_has_line(const struct command *command)
{
	return (command->call.line_size > 0 || command->call.too_long);
}

/* The answer, if it is one line that looks like JSON; otherwise NULL. */
static const char *
answer_line(const struct command *command, size_t *length, struct error *error)
{
	const struct call *call = &command->call;
	const char *line = (const char *)buffer_front(&call->answer);
	enum outcome outcome = OUTCOME_ANSWERED;
	int quoted;

	if (call->line_size > 0)
		*length = call->line_size - 1;
	else
		outcome = call_outcome(call, &line, length, error);
	if (outcome == OUTCOME_TOO_LONG)
		error_set(error, EXIT_PROTOCOL, "%s: the answer is longer than "
		    "%zu bytes", command->role, buffer_max(&call->answer));
	else if (outcome == OUTCOME_NO_LINE)
		error_set(error, EXIT_PROTOCOL, "%s: no answer line",
		    command->role);
	else if (*line != '{') {
		quoted = (int)strcspn(line, "\n");
		error_set(error, EXIT_PROTOCOL, "%s: the answer is not JSON, but "
		    "begins with \"%.*s\" (does a shell start-up file print?)",
		    command->role, quoted < QUOTE_MAX ? quoted : QUOTE_MAX, line);
	} else if (outcome == OUTCOME_MORE_LINES)
		error_set(error, EXIT_PROTOCOL, "%s: more than one answer line",
		    command->role);
	else
		return (line);
	return (NULL);
}

ProtobufCMessage *
command_answer(const struct command *command, struct error *error)
{
	ProtobufCMessage *message;
	const char *line;
	size_t length;

	line = answer_line(command, &length, error);
	if (line == NULL)
		return (NULL);
	message = pbjson_parse(command->method->response, NULL, line, length,
	    error);
	if (message == NULL) {
		error_prefix(error, "%s: the answer", command->role);
		error->code = EXIT_PROTOCOL;
	}
	return (message);
}

/*
 * After a signal the text of the command does not mention that, and may be about
 * something else.
 */
static const char *
with_signal(const struct command *command, const char *text)
{
	static char line[ENDPOINT_TEXT_MAX + 64];
	const struct endpoint *endpoint = &command->call.endpoint;
	const int number = process_code_signal(endpoint->exit_code);

	if (number == 0 || endpoint->text_length == 0)
		return (text);
	snprintf(line, sizeof(line), "ended by signal %d after saying: %s",
	    number, text);
	return (line);
}

const char *
command_reason(const struct command *command)
{
	return (with_signal(command, endpoint_text(&command->call.endpoint)));
}

/* The hints that follow the last line, each after our role. */
static void
take_hints(struct command *command)
{
	const char *line = endpoint_take_held(&command->call.endpoint);

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

	strlcpy(line, endpoint_text(&command->call.endpoint), sizeof(line));
	/* Advice comes after its error. */
	while ((newline = strrchr(line, '\n')) != NULL &&
	    strstr(newline, DIAG_HINT) != NULL)
		*newline = '\0';
	take_hints(command);
	return (with_signal(command, newline != NULL ? newline + 1 : line));
}

void
command_free(struct command *command, char *hints, size_t size)
{
	endpoint_show_held(&command->call.endpoint);
	strlcat(hints, command->hints, size);
	call_free(&command->call);
	*command = COMMAND_NONE(command->role);
}

void
command_first_hint(char hint[ERROR_HINT_SIZE], const char *hints)
{
	const char *first = strstr(hints, DIAG_HINT);

	hint[0] = '\0';
	if (first == NULL)
		return;
	first += strlen(DIAG_HINT);
	snprintf(hint, ERROR_HINT_SIZE, "%.*s", (int)strcspn(first, "\n"), first);
}
