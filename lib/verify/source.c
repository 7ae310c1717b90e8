#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/io.h"
#include "message/pbjson.h"
#include "verify/source.h"

int
source_start(struct source *source, const struct source_order *order,
    struct error *error)
{
	ReplicationConfigProtection protection = REPLICATION_CONFIG_PROTECTION__INIT;
	ReplicationConfig config = REPLICATION_CONFIG__INIT;
	SendReq request = SEND_REQ__INIT;

	*source = (struct source){ .role = order->role,
	    .command = COMMAND_NONE(order->role), .child = PROCESS_NONE,
	    .in = BUFFER_EMPTY(DIGEST_IN_MAX) };
	protection.initial = REPLICATION_GUARANTEE_KIND__GuaranteeNothing;
	protection.incremental = REPLICATION_GUARANTEE_KIND__GuaranteeNothing;
	config.protection = &protection;
	request.filesystem = (char *)(uintptr_t)order->filesystem;
	request.to = (FilesystemVersion *)(uintptr_t)order->version;
	request.replicationconfig = &config;
	return (command_start(&source->command, order->string, "Send",
	    &request.base, PROCESS_PIPE, error));
}

void
source_poll(const struct source *source, struct pollfd entries[SOURCE_ENTRIES])
{
	call_poll(&source->command.call, entries);
	entries[CALL_ENTRIES] = (struct pollfd){ .events = POLLIN,
	    .fd = source->have_line ? -1 : source->child.output };
}

int64_t
source_deadline(const struct source *source)
{
	return (call_deadline(&source->command.call));
}

/* --- the end --- */

static void
end_processes(struct source *source, int64_t now)
{
	source->phase = SOURCE_ENDING;
	source->have_line = false;
	io_close(&source->child.output);
	process_signal(&source->child, SIGKILL);
	if (command_runs(&source->command))
		endpoint_end(&source->command.call.endpoint, now);
}

/* The error is set. */
static void
fail(struct source *source, int64_t now)
{
	source->failure = FAILURE_OTHER;
	end_processes(source, now);
}

/* Both have ended, and not because somebody wanted that: was it a success? */
static void
judge(struct source *source)
{
	struct command *command = &source->command;
	const int code = command->call.endpoint.exit_code;
	ProtobufCMessage *answer;

	source->failure = FAILURE_OTHER;
	if (!command_succeeded(command)) {
		source->failure = failure_of(code, NULL, command_reason(command));
		error_set(&source->error, (enum exit_code)code, "%s: %s",
		    source->role, command_last_line(command));
	} else if (!command_has_line(command)) {
		answer = command_answer(command, &source->error);
		pbjson_free(answer);
	} else if (source->text[0] != '\0')
		error_set(&source->error, EXIT_FAILED, "%s: %s", source->role,
		    source->text);
	else if (!source->complete)
		error_set(&source->error, EXIT_SYSTEM, "%s: the digest's process gave "
		    "no digest", source->role);
	else
		source->failure = FAILURE_NONE;
}

/* Is it over?  No event may be left that would have this asked once more. */
static void
settle(struct source *source)
{
	struct command *command = &source->command;

	if (source->phase == SOURCE_OVER || command_runs(command) ||
	    source->child.pid != -1 || source->child.output != -1 ||
	    source->have_line)
		return;
	if (source->phase != SOURCE_ENDING)
		judge(source);
	else
		command_last_line(command);	/* of its end, which we have caused */
	source->phase = SOURCE_OVER;
}

void
source_end(struct source *source, int64_t now)
{
	if (source->phase < SOURCE_ENDING)
		end_processes(source, now);
	settle(source);
}

/* --- the stream --- */

/* The answer line is in: the rest of the pipe is the child's. */
static void
on_answer(struct source *source, int64_t now)
{
	int *stream = &source->command.call.endpoint.process.output;
	ProtobufCMessage *answer = command_answer(&source->command, &source->error);
	bool started = false;

	if (answer != NULL) {
		source->expected = ((SendRes *)answer)->expectedsize;
		/* The child shares our end, and needs one that blocks. */
		if (io_set_nonblocking(*stream, false) == -1)
			error_errno(&source->error, "%s: its pipe", source->role);
		else
			started = digest_child_start(&source->child, *stream,
			    &source->error) == 0;
	}
	pbjson_free(answer);
	io_close(stream);
	if (started)
		source->phase = SOURCE_STREAM;
	else
		fail(source, now);
}

/*
 * The endpoint's own failure, which comes from the lost reader of its stream, would only
 * hide the reason.
 */
static void
on_refused(struct source *source, int64_t now)
{
	error_set(&source->error, EXIT_FAILED, "%s: %s", source->role,
	    source->text);
	fail(source, now);
}

/* The digest's process: the endpoint may not notice that nobody reads its stream. */
static void
on_died(struct source *source, int64_t now)
{
	const int number = process_code_signal(source->child_code);

	error_set(&source->error, EXIT_SYSTEM, "%s: the digest's process ended %s %d",
	    source->role, number > 0 ? "by signal" : "with status",
	    number > 0 ? number : source->child_code);
	fail(source, now);
	if (number > 0)
		source->failure = FAILURE_TRANSPORT;
}

static void
take_report(struct source *source, int64_t now)
{
	const struct digest_report *report = &source->report;

	source->bytes = report->bytes;
	switch (report->word) {
	case DIGEST_BYTES:
	case DIGEST_CUT:
		break;
	case DIGEST_BEGUN:
		source->begun = true;
		source->sum = report->line.of.sum;
		break;
	case DIGEST_LINE:
		source->have_line = true;
		source->complete = !report->line.is_part;
		/* A stream may have no parts. */
		if (source->complete) {
			source->begun = true;
			source->sum = report->line.of.sum;
		}
		break;
	case DIGEST_REFUSED:
		on_refused(source, now);
		break;
	}
}

/* From what was read: up to the next line. */
static void
next_line(struct source *source, int64_t now)
{
	while (source->phase == SOURCE_STREAM && !source->have_line &&
	    !source->complete && digest_child_next(&source->in, &source->report,
	    source->text))
		take_report(source, now);
}

static void
read_child(struct source *source)
{
	static uint8_t chunk[DIGEST_CHUNK];
	const ssize_t got = io_read(source->child.output, chunk, sizeof(chunk));

	if (got == -1 && errno == EAGAIN)
		return;
	if (got <= 0 || buffer_append(&source->in, chunk, (size_t)got) == -1)
		io_close(&source->child.output);
}

const struct sum_line *
source_line(const struct source *source)
{
	return (source->have_line ? &source->report.line : NULL);
}

void
source_take(struct source *source)
{
	source->have_line = false;
	next_line(source, io_now());
}

void
source_handle(struct source *source, const struct pollfd entries[SOURCE_ENTRIES],
    int64_t now)
{
	struct command *command = &source->command;

	if (command_runs(command))
		command_handle(command, entries, now);
	if (source->phase == SOURCE_ANSWER && command_has_line(command) &&
	    (command_runs(command) || command_succeeded(command)))
		on_answer(source, now);
	if (entries[CALL_ENTRIES].revents != 0 && source->child.output != -1)
		read_child(source);
	next_line(source, now);
	if (process_has_ended(&source->child)) {
		source->child_code = process_wait(&source->child);
		if (source->child_code != EXIT_DONE && source->phase == SOURCE_STREAM)
			on_died(source, now);
	}
	settle(source);
}

void
source_free(struct source *source, char *hints, size_t size)
{
	io_close(&source->child.output);
	process_signal(&source->child, SIGKILL);
	if (source->child.pid != -1)
		process_wait(&source->child);
	command_free(&source->command, hints, size);
	buffer_free(&source->in);
}
