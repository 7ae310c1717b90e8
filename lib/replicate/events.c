#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/utf8.h"
#include "format/rfc3339.h"
#include "message/json_text.h"
#include "plan/plan_print.h"
#include "replicate/event.h"
#include "replicate/events.h"

static const char *const ends[] = {
	[END_UP_TO_DATE] = "up-to-date",
	[END_REPLICATED] = "replicated",
	[END_PLACEHOLDER] = "placeholder",
	[END_FAILED] = "failed",
	[END_INTERRUPTED] = "interrupted"
};

/* --- an event --- */

/* Begin one; false if no events were asked for, or none can follow any more. */
static bool
begin(struct replication *replication, const char *event, const char *filesystem)
{
	struct buffer *out = &replication->out;
	char time[RFC3339_SIZE];

	if (replication->options->events == -1 || replication->events_cut)
		return (false);
	rfc3339_format(time, io_time_of_day());
	json_text_member(out, "time", time);
	json_text_member(out, "event", event);
	json_text_member(out, "filesystem", filesystem);
	return (true);
}

/* Text that may be cut within a character. */
static void
add_text(struct replication *replication, const char *key, const char *text)
{
	char valid[sizeof(((struct error *)NULL)->text)];

	if (text == NULL || text[0] == '\0')
		return;
	strlcpy(valid, text, sizeof(valid));
	utf8_sanitize(valid, valid, strlen(valid));
	json_text_member(&replication->out, key, valid);
}

static void
add_number(struct replication *replication, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	json_text_raw_member(&replication->out, key, text);
}

static void
add_seconds(struct replication *replication, const char *key, int64_t ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)ms / 1000);
	json_text_raw_member(&replication->out, key, text);
}

static void
add_version(struct replication *replication, const char *key,
    const FilesystemVersion *version)
{
	json_text_member(&replication->out, key,
	    version == NULL ? NULL : version->name);
}

static void
add_time(struct replication *replication, const char *key, int64_t seconds)
{
	char text[RFC3339_SIZE];

	rfc3339_format(text, seconds);
	json_text_member(&replication->out, key, text);
}

/* When it was taken; it comes from a peer, in any zone. */
static void
add_creation(struct replication *replication, const char *key,
    const FilesystemVersion *version)
{
	int64_t seconds;

	if (version != NULL && rfc3339_parse(version->creation, &seconds))
		add_time(replication, key, seconds);
}

static void
end(struct replication *replication)
{
	struct buffer *out = &replication->out;
	struct error error;

	if (json_text_raw(out, "}\n") == -1)
		error_errno(&error, "events");
	else if (io_write_all(replication->options->events, buffer_front(out),
	    buffer_length(out), IO_FOREVER, &error) == -1)
		error_prefix(&error, "events");
	else
		error.code = EXIT_DONE;
	/* After an incomplete line the next one would be nonsense. */
	replication->events_cut = error.code != EXIT_DONE;
	if (replication->events_cut && replication->fatal.code == EXIT_DONE)
		replication->fatal = error;
	buffer_consume(out, buffer_length(out));
}

/* --- the events --- */

void
events_start(struct replication *replication)
{
	if (!begin(replication, "start", NULL))
		return;
	json_text_member(&replication->out, "job", replication->options->job);
	add_number(replication, "pid", (uint64_t)getpid());
	json_text_member(&replication->out, "version", ZR_VERSION);
	if (replication->options->dry_run)
		json_text_raw_member(&replication->out, "dry_run", "true");
	if (replication->options->last_successful != EVENT_NO_TIME)
		add_time(replication, "last_successful",
		    replication->options->last_successful);
	end(replication);
}

void
events_listed(struct replication *replication)
{
	if (!begin(replication, "listed", NULL))
		return;
	add_number(replication, "sender",
	    replication->sides[SIDE_SENDER].listing.count);
	add_number(replication, "receiver",
	    replication->sides[SIDE_RECEIVER].listing.count);
	end(replication);
}

void
events_plan(struct replication *replication, const struct work *work)
{
	const struct plan *plan = work->plan;

	if (!begin(replication, "plan", plan->sender->filesystem))
		return;
	json_text_member(&replication->out, "destination", plan->destination);
	json_text_member(&replication->out, "verdict", plan_verdict_name(plan));
	add_version(replication, "base", plan->base);
	add_creation(replication, "base_creation", plan->base);
	add_number(replication, "steps", plan->step_count);
	if (plan->step_count > 0)
		add_version(replication, "to",
		    plan->steps[plan->step_count - 1].to);
	add_text(replication, "message", plan->message);
	add_text(replication, "advice", plan->advice);
	end(replication);
}

void
events_size(struct replication *replication, const struct work *work, size_t step)
{
	if (!begin(replication, "size", work->plan->sender->filesystem))
		return;
	add_version(replication, "from", work->plan->steps[step].from);
	add_version(replication, "to", work->plan->steps[step].to);
	if (work->sizes[step] != 0)
		add_number(replication, "bytes", work->sizes[step]);
	end(replication);
}

static bool
begin_step(struct replication *replication, const char *event,
    const struct work *work)
{
	const SendReq *request = &work->request.request;

	if (!begin(replication, event, request->filesystem))
		return (false);
	add_version(replication, "from", request->from);
	add_version(replication, "to", request->to);
	return (true);
}

void
events_begin(struct replication *replication, const struct work *work)
{
	if (begin_step(replication, "step-begin", work))
		end(replication);
}

void
events_progress(struct replication *replication, const struct work *work,
    uint64_t bytes)
{
	if (!begin_step(replication, "progress", work))
		return;
	add_number(replication, "bytes", bytes);
	end(replication);
}

void
events_step(struct replication *replication, const struct work *work)
{
	if (!begin_step(replication, "step-end", work))
		return;
	if (work->figures.bytes_known)
		add_number(replication, "bytes", work->figures.bytes);
	add_seconds(replication, "seconds", work->figures.elapsed_ms);
	add_creation(replication, "creation", work->request.request.to);
	json_text_raw_member(&replication->out, "resumed",
	    work->figures.used_resume_token ? "true" : "false");
	end(replication);
}

void
events_retry(struct replication *replication, const struct work *work,
    int64_t wait_ms)
{
	if (!begin(replication, "retry", work->plan->sender->filesystem))
		return;
	json_text_member(&replication->out, "class", failure_name(work->failure));
	add_text(replication, "message",
	    work->error == NULL ? NULL : work->error->text);
	add_seconds(replication, "wait", wait_ms);
	end(replication);
}

/* The newest version that both sides have, as far as we know; or NULL. */
static const FilesystemVersion *
newest_common(const struct work *work)
{
	return (work->step == 0 ? work->plan->base :
	    work->plan->steps[work->step - 1].to);
}

void
events_filesystem(struct replication *replication, const struct work *work)
{
	const FilesystemVersion *common = newest_common(work);

	if (!begin(replication, "filesystem-end", work->plan->sender->filesystem))
		return;
	json_text_member(&replication->out, "result", ends[work->end]);
	add_number(replication, "steps", work->steps_done);
	add_number(replication, "bytes", work->bytes);
	if (common != NULL && version_is_snapshot(common))
		add_version(replication, "snapshot", common);
	add_creation(replication, "creation", common);
	if (work->end == END_FAILED)
		add_text(replication, "message",
		    work->error == NULL ? NULL : work->error->text);
	end(replication);
}

void
events_summary(struct replication *replication, int code, const char *text)
{
	if (!begin(replication, "summary", NULL))
		return;
	add_number(replication, "code", (uint64_t)code);
	add_text(replication, "message", text);
	end(replication);
}
