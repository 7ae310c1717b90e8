#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "plan/plan_print.h"
#include "replicate/amount.h"
#include "replicate/events.h"
#include "replicate/table.h"

/* --- lines on standard output --- */

static void
write_out(struct replication *replication)
{
	struct buffer *out = &replication->out;
	struct error error;

	table_clear();
	if (io_write_all(STDOUT_FILENO, buffer_front(out), buffer_length(out),
	    IO_FOREVER, &error) == -1 && replication->fatal.code == EXIT_DONE) {
		error_prefix(&error, "standard output");
		replication->fatal = error;
	}
	buffer_consume(out, buffer_length(out));
}

/* "tank/web@mon to @tue", "tank/web@mon in full" */
static void
describe(char *text, size_t size, const SendReq *request)
{
	const FilesystemVersion *from = request->from, *to = request->to;

	if (from == NULL)
		snprintf(text, size, "%s@%s in full", request->filesystem, to->name);
	else
		snprintf(text, size, "%s%c%s to @%s", request->filesystem,
		    version_is_snapshot(from) ? '@' : '#', from->name, to->name);
}

static void
write_step(struct replication *replication, const struct work *work)
{
	const struct step_figures *figures = &work->figures;
	char step[1024], line[4 * sizeof(step)], bytes[AMOUNT_SIZE];
	char time[AMOUNT_SIZE];
	struct buffer *out = &replication->out;
	size_t length;

	if (replication->options->json) {
		if (step_line(out, &work->request.request, figures) == -1)
			error_errno(&replication->fatal, "a step");
	} else {
		describe(step, sizeof(step) - 100, &work->request.request);
		snprintf(step + strlen(step), 100, ": %s%s in %s",
		    figures->bytes_known ?
		    amount_of_bytes(bytes, figures->bytes) : "done",
		    figures->used_resume_token ? ", the rest of it," : "",
		    amount_of_time(time, figures->elapsed_ms));
		length = quote_line(line, sizeof(line) - 1, step, strlen(step));
		line[length++] = '\n';
		buffer_append(out, line, length);
	}
	write_out(replication);
}

/* --- as the run goes on --- */

void
report_plan(struct replication *replication, const struct work *work)
{
	const struct replicate_options *options = replication->options;
	struct buffer *out = &replication->out;
	struct error error;

	events_plan(replication, work);
	if (options->dry_run && (options->verbose ||
	    work->plan->step_count > 0 || plan_failed(work->plan))) {
		if ((options->json ? plan_print_json(out, work->plan,
		    &options->plan.rules, &error) : plan_print_text(out,
		    work->plan, options->verbose, &error)) == -1)
			replication->fatal = error;
		write_out(replication);
	} else if (options->verbose && !options->dry_run) {
		if (plan_print_text(out, work->plan, true, &error) == 0)
			diag_lines((const char *)buffer_front(out),
			    buffer_length(out));
		buffer_consume(out, buffer_length(out));
	}
}

void
report_step(struct replication *replication, const struct work *work)
{
	events_step(replication, work);
	write_step(replication, work);
}

static void
complain(const struct work *work, const struct error *error, const char *ending)
{
	struct error line = *error;

	error_prefix(&line, "%s", work->plan->sender->filesystem);
	strlcat(line.text, ending, sizeof(line.text));
	diag_error(&line);
}

void
report_retry(struct replication *replication, const struct work *work, int64_t now)
{
	char time[AMOUNT_SIZE], ending[64];

	events_retry(replication, work, work->again_at - now);
	if (replication->options->quiet || work->error == NULL)
		return;
	snprintf(ending, sizeof(ending), " (trying again in %s)",
	    amount_of_time(time, work->again_at - now));
	complain(work, work->error, ending);
}

void
report_filesystem(struct replication *replication, const struct work *work)
{
	events_filesystem(replication, work);
	if (work->end == END_FAILED && work->error != NULL)
		complain(work, work->error, "");
}

void
report_lines(struct replication *replication)
{
	char step[1024], bytes[AMOUNT_SIZE];
	uint64_t moved;

	for (size_t i = 0; i < replication->options->parallel; i++) {
		const struct slot *slot = &replication->slots[i];

		if (slot->work == NULL)
			continue;
		describe(step, sizeof(step), &slot->work->request.request);
		diag("%s: %s", step, transfer_bytes(&slot->transfer, &moved) ?
		    amount_of_bytes(bytes, moved) : "under way");
	}
	diag("%zu of %zu filesystems are not done", replication->open,
	    replication->set.count);
}

/* --- the end --- */

struct sum {
	size_t ends[END_INTERRUPTED + 1];
	size_t steps;
	uint64_t bytes;
	const struct work *failed;	/* the first that did */
};

static struct sum
add_up(const struct replication *replication)
{
	struct sum sum = { .steps = 0 };

	for (size_t i = 0; i < replication->set.count; i++) {
		const struct work *work = &replication->works[i];

		sum.steps += work->steps_done;
		sum.bytes += work->bytes;
		if (work->state != WORK_OVER) {
			sum.ends[END_INTERRUPTED]++;
			continue;
		}
		sum.ends[work->end]++;
		if (work->end == END_FAILED && sum.failed == NULL)
			sum.failed = work;
	}
	return (sum);
}

static void __attribute__((format(printf, 3, 4)))
append(char *text, size_t size, const char *format, ...)
{
	const size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, size - length, format, arguments);
	va_end(arguments);
}

/* "12 filesystems: 9 up to date, 2 replicated (5 steps, 1.2 GiB, 42 s), 1 failed: ..." */
static void
summarize(const struct replication *replication, char *text, size_t size)
{
	const struct sum sum = add_up(replication);
	const size_t count = replication->set.count;
	char bytes[AMOUNT_SIZE], time[AMOUNT_SIZE];

	snprintf(text, size, "%zu filesystem%s: %zu up to date", count,
	    count == 1 ? "" : "s", sum.ends[END_UP_TO_DATE]);
	if (sum.ends[END_REPLICATED] > 0 || sum.steps > 0)
		append(text, size, ", %zu replicated (%zu step%s, %s%s%s)",
		    sum.ends[END_REPLICATED], sum.steps,
		    sum.steps == 1 ? "" : "s",
		    sum.bytes > 0 ? amount_of_bytes(bytes, sum.bytes) : "",
		    sum.bytes > 0 ? ", " : "",
		    amount_of_time(time, io_now() - replication->began));
	if (sum.ends[END_PLACEHOLDER] > 0)
		append(text, size, ", %zu without a snapshot",
		    sum.ends[END_PLACEHOLDER]);
	if (sum.ends[END_INTERRUPTED] > 0)
		append(text, size, ", %zu not done", sum.ends[END_INTERRUPTED]);
	if (sum.failed != NULL)
		append(text, size, ", %zu failed: %s: %s", sum.ends[END_FAILED],
		    sum.failed->plan->sender->filesystem,
		    sum.failed->error == NULL ? "" : sum.failed->error->text);
}

/* Of a dry run: what would be done. */
static void
forecast(const struct replication *replication, char *text, size_t size)
{
	size_t counts[2] = { 0, 0 }, steps = 0, failed = 0;
	char bytes[AMOUNT_SIZE];
	uint64_t total;
	bool unknown;

	for (size_t i = 0; i < replication->set.count; i++) {
		const struct plan *plan = replication->works[i].plan;

		counts[plan->step_count > 0]++;
		steps += plan->step_count;
		failed += plan_failed(plan);
	}
	total = sizes_total(replication, &unknown);
	snprintf(text, size, "%zu filesystem%s: %zu with something to send "
	    "(%zu step%s, %s%s), %zu in conflict; nothing was changed",
	    replication->set.count, replication->set.count == 1 ? "" : "s",
	    counts[1], steps, steps == 1 ? "" : "s",
	    unknown && steps > 0 ? ">= " : "", amount_of_bytes(bytes, total),
	    failed);
}

void
report_end(struct replication *replication, int code)
{
	char text[2048];

	table_clear();
	if (replication->works == NULL)
		strlcpy(text, "nothing was replicated", sizeof(text));
	else if (replication->options->dry_run)
		forecast(replication, text, sizeof(text));
	else
		summarize(replication, text, sizeof(text));
	if (replication->works != NULL &&
	    (!replication->options->quiet || code != EXIT_DONE))
		diag("%s", text);
	events_summary(replication, code, text);
}
