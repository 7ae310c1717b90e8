#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/signals.h"
#include "verify/digest_child.h"

#define CHUNK		(256u << 10)
#define FLUSH_LENGTH	(32u << 10)
#define FLUSH_MS	1000

/* --- the child --- */

struct run {
	struct stream_digest *digest;
	struct buffer out;
	uint64_t bytes;		/* read */
	int64_t flushed_at;
	bool begun;
};

/* The parent is gone: there is nobody to tell. */
static void
flush(struct run *run, int64_t now)
{
	struct error error;

	if (io_print(&run->out, &error) == -1)
		_exit(EXIT_SYSTEM);
	run->flushed_at = now;
}

static void
report(struct run *run, enum digest_word word, const struct sum_line *line,
    const char *text)
{
	struct digest_report entry;

	memset(&entry, 0, sizeof(entry));
	entry.word = word;
	entry.bytes = run->bytes;
	entry.text_length = strnlen(text, DIGEST_TEXT_MAX);
	if (line != NULL)
		entry.line = *line;
	if (buffer_append(&run->out, &entry, sizeof(entry)) == -1 ||
	    buffer_append(&run->out, text, entry.text_length) == -1)
		_exit(EXIT_SYSTEM);
	if (buffer_length(&run->out) >= FLUSH_LENGTH)
		flush(run, io_now());
}

static int
take_part(void *context, const struct stream_part *part, struct error *error)
{
	struct sum_line line = { .is_part = false };
	struct run *run = context;

	(void)error;
	if (!run->begun) {
		run->begun = true;
		stream_digest_begun(run->digest, &line.of.sum);
		report(run, DIGEST_BEGUN, &line, "");
		flush(run, io_now());
	}
	line = (struct sum_line){ .is_part = true, .of.part = *part };
	report(run, DIGEST_LINE, &line, "");
	return (0);
}

/* The next bytes.  If the parent has gone, nobody may send any more. */
static ssize_t
read_stream(uint8_t *chunk, size_t size)
{
	struct pollfd entries[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
	    { .fd = STDOUT_FILENO } };

	io_poll(entries, 2, IO_FOREVER);
	if (entries[1].revents != 0)
		_exit(EXIT_SYSTEM);
	return (io_read(STDIN_FILENO, chunk, size));
}

/* All of the stream; the word for its end. */
static enum digest_word
digest_stream(struct run *run, struct sum_line *sum, struct error *error)
{
	static uint8_t chunk[CHUNK];
	ssize_t got;
	int64_t now;

	while ((got = read_stream(chunk, sizeof(chunk))) > 0) {
		run->bytes += (uint64_t)got;
		if (stream_digest_feed(run->digest, chunk, (size_t)got, error) == -1)
			return (DIGEST_REFUSED);
		now = io_now();
		if (now >= run->flushed_at + FLUSH_MS) {
			report(run, DIGEST_BYTES, NULL, "");
			flush(run, now);
		}
	}
	if (got == -1) {
		error_errno(error, "cannot read the stream");
		return (DIGEST_REFUSED);
	}
	return (stream_digest_finish(run->digest, &sum->of.sum, error) == -1 ?
	    DIGEST_CUT : DIGEST_LINE);
}

static void
be_child(void)
{
	struct run run = { .out = BUFFER_EMPTY(FLUSH_LENGTH + DIGEST_IN_MAX),
	    .flushed_at = io_now() };
	struct sum_line sum = { .is_part = false };
	struct error error = { .text = "" };
	enum digest_word word;

	run.digest = stream_digest_new(take_part, &run);
	if (run.digest == NULL)
		_exit(EXIT_SYSTEM);
	word = digest_stream(&run, &sum, &error);
	report(&run, word, &sum, word == DIGEST_LINE ? "" : error.text);
	flush(&run, io_now());
	stream_digest_free(run.digest);
	buffer_free(&run.out);
	_exit(EXIT_DONE);
}

static void
become_child(int stream, int output)
{
	if (dup2(stream, STDIN_FILENO) == -1 || dup2(output, STDOUT_FILENO) == -1)
		_exit(EXIT_SYSTEM);
	/* A pipe of another comparison that stayed open here would never end there. */
	closefrom(STDERR_FILENO + 1);
	signals_restore();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	be_child();
}

/* --- its parent --- */

int
digest_child_start(struct process *child, int stream, struct error *error)
{
	int output[2];

	*child = PROCESS_NONE;
	if (pipe2(output, O_CLOEXEC) == -1)
		return (error_errno(error, "a pipe for a digest"));
	child->pid = fork();
	if (child->pid == 0)
		become_child(stream, output[1]);
	io_close(&output[1]);
	if (child->pid == -1) {
		error_errno(error, "a process for a digest");
		io_close(&output[0]);
		return (-1);
	}
	child->output = output[0];
	io_set_nonblocking(output[0], true);
	return (0);
}

bool
digest_child_next(struct buffer *in, struct digest_report *report_out,
    char text[DIGEST_TEXT_MAX + 1])
{
	const size_t length = buffer_length(in);

	if (length < sizeof(*report_out))
		return (false);
	memcpy(report_out, buffer_front(in), sizeof(*report_out));
	if (report_out->text_length > DIGEST_TEXT_MAX)
		report_out->text_length = DIGEST_TEXT_MAX;
	if (length < sizeof(*report_out) + report_out->text_length)
		return (false);
	memcpy(text, buffer_front(in) + sizeof(*report_out), report_out->text_length);
	text[report_out->text_length] = '\0';
	buffer_consume(in, sizeof(*report_out) + report_out->text_length);
	return (true);
}
