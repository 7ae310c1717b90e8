/*
 * What a batch writes: the endpoint's lines, as they come, and between two of them ours.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "guard/guard_batch.h"

static int
append(struct buffer *buffer, const void *bytes, size_t length,
    struct error *error)
{
	return (buffer_append(buffer, bytes, length) == -1 ?
	    error_errno(error, "answers") : 0);
}

/* Where a line ends. */
static int
append_ours(struct guard_batch *batch, struct error *error)
{
	const size_t length = buffer_length(&batch->answers);

	if (length == 0 || append(&batch->output, buffer_front(&batch->answers),
	    length, error) == -1)
		return (length == 0 ? 0 : -1);
	buffer_consume(&batch->answers, length);
	return (0);
}

static int
take(struct guard_batch *batch, const char *bytes, size_t length,
    struct error *error)
{
	const char *newline = memchr(bytes, '\n', length);
	const size_t first = newline == NULL ? length :
	    (size_t)(newline - bytes) + 1;

	if (append(&batch->output, bytes, first, error) == -1 ||
	    (newline != NULL && append_ours(batch, error) == -1) ||
	    append(&batch->output, bytes + first, length - first, error) == -1)
		return (-1);
	batch->in_line = bytes[length - 1] != '\n';
	return (0);
}

/* Only as much as is written on. */
static int
read_endpoint(struct guard_batch *batch, struct error *error)
{
	struct process *process = &batch->endpoint.process;
	static char bytes[64 << 10];
	ssize_t got;

	if (process->output == -1 || buffer_length(&batch->output) > 0)
		return (0);
	got = io_read(process->output, bytes, sizeof(bytes));
	if (got > 0)
		return (take(batch, bytes, (size_t)got, error));
	if (got == 0 || errno != EAGAIN || batch->endpoint.ended)
		io_close(&process->output);
	/* Of a line without an end nothing more will come. */
	if (process->output == -1 && batch->in_line) {
		batch->in_line = false;
		return (append(&batch->output, "\n", 1, error));
	}
	return (0);
}

static void
write_endpoint(struct guard_batch *batch)
{
	struct process *process = &batch->endpoint.process;
	ssize_t put = -1;

	if (process->input != -1) {
		if (buffer_length(&batch->requests) == 0)
			return;
		put = io_write(process->input, buffer_front(&batch->requests),
		    buffer_length(&batch->requests));
		if (put == -1 && errno == EAGAIN)
			return;
	}
	if (put == -1) {	/* it has ended, or will */
		io_close(&process->input);
		put = (ssize_t)buffer_length(&batch->requests);
	}
	buffer_consume(&batch->requests, (size_t)put);
}

static int
write_output(struct guard_batch *batch, struct error *error)
{
	ssize_t put;

	while (buffer_length(&batch->output) > 0) {
		put = io_write(STDOUT_FILENO, buffer_front(&batch->output),
		    buffer_length(&batch->output));
		if (put == -1)
			return (errno == EAGAIN ? 0 : error_errno(error, "answers"));
		buffer_consume(&batch->output, (size_t)put);
	}
	return (0);
}

int
guard_batch_move(struct guard_batch *batch, struct error *error)
{
	write_endpoint(batch);
	if (read_endpoint(batch, error) == -1)
		return (-1);
	if (!batch->in_line && append_ours(batch, error) == -1)
		return (-1);
	return (write_output(batch, error));
}

bool
guard_batch_written(const struct guard_batch *batch)
{
	return (batch->endpoint.process.output == -1 &&
	    buffer_length(&batch->answers) == 0 &&
	    buffer_length(&batch->output) == 0);
}
