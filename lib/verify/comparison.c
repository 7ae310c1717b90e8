#include <inttypes.h>
#include <string.h>

#include "base/io.h"
#include "verify/comparison.h"

enum { SENDER = COMPARISON_SENDER, RECEIVER = COMPARISON_RECEIVER,
	SIDES = COMPARISON_SIDES };

int
comparison_start(struct comparison *comparison,
    const struct source_order orders[COMPARISON_SIDES], int64_t now,
    struct error *error)
{
	char hints[1] = "";

	*comparison = (struct comparison){ .guid = orders[SENDER].version->guid,
	    .moved_at = now };
	if (source_start(&comparison->sources[SENDER], &orders[SENDER], error) == -1)
		return (-1);
	if (source_start(&comparison->sources[RECEIVER], &orders[RECEIVER],
	    error) == 0)
		return (0);
	source_free(&comparison->sources[SENDER], hints, sizeof(hints));
	return (-1);
}

void
comparison_poll(const struct comparison *comparison,
    struct pollfd entries[COMPARISON_ENTRIES])
{
	for (int i = 0; i < SIDES; i++)
		source_poll(&comparison->sources[i], entries + i * SOURCE_ENTRIES);
}

int64_t
comparison_deadline(const struct comparison *comparison, int64_t stall_ms)
{
	int64_t deadline = stall_ms == 0 || comparison->ending ? IO_FOREVER :
	    comparison->moved_at + stall_ms;

	for (int i = 0; i < SIDES; i++)
		deadline = io_earlier(deadline,
		    source_deadline(&comparison->sources[i]));
	return (deadline);
}

/* --- the end --- */

/* The error is set, or the cause is that of a source. */
static void
end_sources(struct comparison *comparison, int64_t now)
{
	comparison->ending = true;
	for (int i = 0; i < SIDES; i++)
		source_end(&comparison->sources[i], now);
}

void
comparison_end(struct comparison *comparison, enum failure failure,
    const struct error *why, int64_t now)
{
	if (comparison->ending || comparison->over)
		return;
	comparison->failure = failure;
	comparison->error = *why;
	end_sources(comparison, now);
}

/* A side has failed: the other's lines have nothing to be compared with. */
static void
check_sources(struct comparison *comparison, int64_t now)
{
	for (int i = 0; i < SIDES && !comparison->ending; i++)
		if (comparison->sources[i].failure != FAILURE_NONE)
			comparison_end(comparison, comparison->sources[i].failure,
			    &comparison->sources[i].error, now);
}

/* Which side is waited for, or "". */
static const char *
awaited(const struct comparison *comparison)
{
	const struct source *sources = comparison->sources;
	const bool has[SIDES] = { source_line(&sources[SENDER]) != NULL,
	    source_line(&sources[RECEIVER]) != NULL };

	if (has[SENDER] == has[RECEIVER])
		return ("");
	return (has[SENDER] ? "receiver: " : "sender: ");
}

static void
check_stall(struct comparison *comparison, int64_t stall_ms, int64_t now)
{
	uint64_t moved = comparison->differences;
	struct error error;

	for (int i = 0; i < SIDES; i++)
		moved += comparison->sources[i].bytes +
		    comparison->sources[i].phase;
	if (moved != comparison->moved) {
		comparison->moved = moved;
		comparison->moved_at = now;
	}
	if (stall_ms == 0 || now < comparison->moved_at + stall_ms)
		return;
	error_set(&error, EXIT_TIMEOUT, "%sno byte has moved for %lld s",
	    awaited(comparison), (long long)(stall_ms / 1000));
	comparison_end(comparison, FAILURE_TRANSPORT, &error, now);
}

/* --- the comparison --- */

/* Before it has cost hours: can the two streams be compared at all? */
static void
check_kinds(struct comparison *comparison, int64_t now)
{
	static const char *const names[SIDES] = { "sender", "receiver" };
	const struct source *sources = comparison->sources;
	struct error error;

	for (int i = 0; i < SIDES; i++)
		if (sources[i].begun && sources[i].sum.guid != comparison->guid) {
			error_set(&error, EXIT_PROTOCOL, "%s: its stream is of another "
			    "snapshot: the guid is %" PRIu64 ", not %" PRIu64,
			    names[i], sources[i].sum.guid, comparison->guid);
			comparison_end(comparison, FAILURE_OTHER, &error, now);
		}
	if (!sources[SENDER].begun || !sources[RECEIVER].begun ||
	    sources[SENDER].sum.kind == sources[RECEIVER].sum.kind)
		return;
	error_set(&error, EXIT_FAILED, "the sender's stream is %s, the receiver's %s: "
	    "let both send it raw (zr-endpoint sender -w), or neither",
	    sum_line_kind(sources[SENDER].sum.kind),
	    sum_line_kind(sources[RECEIVER].sum.kind));
	comparison_end(comparison, FAILURE_OTHER, &error, now);
}

static void
note(struct comparison *comparison, const struct stream_part *part, enum sum_pair how)
{
	if (comparison->differences < COMPARISON_NAMED)
		comparison->named[comparison->differences] = (struct difference){
		    part->is_range, part->number, how };
	comparison->differences++;
}

/* Take what both have, as long as both have a line. */
static void
compare(struct comparison *comparison)
{
	struct source *sources = comparison->sources;
	const struct sum_line *ours, *theirs;
	enum sum_pair pair;

	while ((ours = source_line(&sources[SENDER])) != NULL &&
	    (theirs = source_line(&sources[RECEIVER])) != NULL) {
		pair = sum_line_compare(ours, theirs);
		if (!ours->is_part && !theirs->is_part) {
			comparison->sums[SENDER] = ours->of.sum;
			comparison->sums[RECEIVER] = theirs->of.sum;
			comparison->compared = true;
		} else if (pair != SUM_EQUAL)
			note(comparison, pair == SUM_ONLY_SECOND ?
			    &theirs->of.part : &ours->of.part, pair);
		if (pair != SUM_ONLY_SECOND)
			source_take(&sources[SENDER]);
		if (pair != SUM_ONLY_FIRST)
			source_take(&sources[RECEIVER]);
	}
}

void
comparison_handle(struct comparison *comparison,
    const struct pollfd entries[COMPARISON_ENTRIES], int64_t stall_ms, int64_t now)
{
	for (int i = 0; i < SIDES; i++)
		source_handle(&comparison->sources[i], entries + i * SOURCE_ENTRIES,
		    now);
	if (!comparison->ending)
		check_kinds(comparison, now);
	if (!comparison->ending)
		compare(comparison);
	check_sources(comparison, now);
	if (!comparison->ending)
		check_stall(comparison, stall_ms, now);
	comparison->over = true;
	for (int i = 0; i < SIDES; i++)
		comparison->over = comparison->over &&
		    comparison->sources[i].phase == SOURCE_OVER;
}

bool
comparison_same(const struct comparison *comparison)
{
	return (comparison->compared && comparison->differences == 0 &&
	    memcmp(comparison->sums[SENDER].digest, comparison->sums[RECEIVER].digest,
	    STREAM_DIGEST_SIZE) == 0);
}

void
comparison_free(struct comparison *comparison)
{
	char hints[2 * sizeof(comparison->sources[0].command.hints)] = "", other[1] = "";

	for (int i = 0; i < SIDES; i++)
		if (comparison->sources[i].failure != FAILURE_NONE)
			source_free(&comparison->sources[i], hints, sizeof(hints));
		else
			source_free(&comparison->sources[i], other, sizeof(other));
	command_first_hint(comparison->error.hint, hints);
}
