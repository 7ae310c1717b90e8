/*
 * Feeds lines of an events file to zr-status.  Whatever it makes of them, it prints JSON
 * that can be read, and no control character in text and metrics.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/json_scan.h"
#include "watch/run_print.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take(struct run *run, const char *text, size_t size)
{
	const char *end;
	struct error error;

	while ((end = memchr(text, '\n', size)) != NULL) {
		if (run_take(run, text, (size_t)(end - text), &error) == -1)
			return;
		size -= (size_t)(end - text) + 1;
		text = end + 1;
	}
}

static void
check_lines(struct buffer *out)
{
	const uint8_t *text = buffer_front(out);
	const size_t length = buffer_length(out);

	for (size_t i = 0; i < length; i++)
		if ((text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
			abort();
	if (length > 0 && text[length - 1] != '\n')
		abort();
	buffer_consume(out, length);
}

static void
check_json(struct buffer *out)
{
	struct json_scan scan;
	struct error error;

	json_scan_init(&scan, (const char *)buffer_front(out), buffer_length(out));
	if (json_scan_skip(&scan, NULL, &error) == -1 ||
	    json_scan_end(&scan, &error) == -1)
		abort();
	buffer_consume(out, buffer_length(out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer out = BUFFER_EMPTY(RUN_TEXT_MAX);
	struct run_file file = { .path = "events", .run = RUN_EMPTY };

	take(&file.run, (const char *)data, size);
	for (enum run_state state = RUN_RUNNING; state <= RUN_DIED; state++) {
		file.state = state;
		if (run_print_text(&out, &file, INT64_C(1800000000)) == -1)
			abort();
		check_lines(&out);
		if (run_print_json(&out, &file) == -1)
			abort();
		check_json(&out);
	}
	if (run_file_job(&file) != NULL) {
		if (run_print_metrics(&out, &file, 1) == -1)
			abort();
		check_lines(&out);
	}
	buffer_free(&out);
	run_free(&file.run);
	return (0);
}
