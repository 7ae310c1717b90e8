#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "message/json_text.h"
#include "replicate/amount.h"
#include "verify/verification.h"

#define LINE_MAX_BYTES	((size_t)64 << 10)	/* of one result */

enum { HEX_SIZE = 2 * STREAM_DIGEST_SIZE + 1 };

static void
hex(char text[HEX_SIZE], const struct stream_sum *sum)
{
	for (size_t i = 0; i < STREAM_DIGEST_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", sum->digest[i]);
}

static size_t
named(const struct finding *finding)
{
	return (finding->differences < COMPARISON_NAMED ?
	    (size_t)finding->differences : COMPARISON_NAMED);
}

/* --- text --- */

static int
print_differences(struct buffer *out, const struct finding *finding)
{
	static const char *const hows[] = {
		[SUM_DIFFERS] = "differs",
		[SUM_ONLY_FIRST] = "is missing at the receiver",
		[SUM_ONLY_SECOND] = "is missing at the sender"
	};
	char sums[SIDES][HEX_SIZE];
	int result = 0;

	for (size_t i = 0; i < named(finding) && result == 0; i++)
		result = quote_append(out, "  %s %" PRIu64 " %s",
		    finding->named[i].is_range ? "range" : "object",
		    finding->named[i].number, hows[finding->named[i].how]) == -1 ||
		    json_text_raw(out, "\n") == -1 ? -1 : 0;
	if (finding->differences > COMPARISON_NAMED && (quote_append(out,
	    "  and %" PRIu64 " more", finding->differences - COMPARISON_NAMED) == -1 ||
	    json_text_raw(out, "\n") == -1))
		return (-1);
	for (int i = 0; i < SIDES; i++)
		hex(sums[i], &finding->sums[i]);
	return (result == -1 || quote_append(out, "  sender %s", sums[SENDER]) == -1 ||
	    json_text_raw(out, "\n") == -1 ||
	    quote_append(out, "  receiver %s", sums[RECEIVER]) == -1 ||
	    json_text_raw(out, "\n") == -1 ? -1 : 0);
}

/* snapshot is "", or "@" and its name. */
static int
print_text(struct buffer *out, const struct subject *subject, const char *snapshot,
    const struct finding *finding)
{
	const char *filesystem = subject->listings[SENDER]->filesystem;
	char bytes[AMOUNT_SIZE];

	if (finding->why != NULL) {
		if (quote_append(out, "not compared %s%s: %s", filesystem, snapshot,
		    finding->why) == -1 || json_text_raw(out, "\n") == -1)
			return (-1);
		return (finding->hint == NULL ? 0 :
		    quote_append(out, "  hint: %s", finding->hint) == -1 ? -1 :
		    json_text_raw(out, "\n"));
	}
	if (quote_append(out, "%s %s%s %s %s", finding->same ? "same" : "differs",
	    filesystem, snapshot, sum_line_kind(finding->sums[SENDER].kind),
	    amount_of_bytes(bytes, finding->bytes)) == -1 ||
	    json_text_raw(out, "\n") == -1)
		return (-1);
	return (finding->same ? 0 : print_differences(out, finding));
}

/* --- JSON --- */

/* A reason may have bytes of a peer. */
static int
add_text(struct buffer *out, const char *key, const char *text)
{
	char copy[sizeof(((struct error *)NULL)->text)];

	if (text == NULL)
		return (0);
	snprintf(copy, sizeof(copy), "%s", text);
	utf8_sanitize(copy, copy, strlen(copy));
	return (json_text_member(out, key, copy));
}

static int
add_objects(struct buffer *out, const struct finding *finding)
{
	static const char *const hows[] = {
		[SUM_DIFFERS] = "differs",
		[SUM_ONLY_FIRST] = "only-sender",
		[SUM_ONLY_SECOND] = "only-receiver"
	};
	char text[128];

	if (json_text_integer_member(out, "differences", (int64_t)finding->differences) == -1 ||
	    json_text_raw_member(out, "objects", "[") == -1)
		return (-1);
	for (size_t i = 0; i < named(finding); i++) {
		snprintf(text, sizeof(text), "%s{\"%s\":\"%" PRIu64 "\",\"how\":\"%s\"}",
		    i == 0 ? "" : ",", finding->named[i].is_range ? "range" : "object",
		    finding->named[i].number, hows[finding->named[i].how]);
		if (json_text_raw(out, text) == -1)
			return (-1);
	}
	return (json_text_raw(out, "]"));
}

static int
add_comparison(struct buffer *out, const struct finding *finding)
{
	char sums[SIDES][HEX_SIZE], guid[24];

	for (int i = 0; i < SIDES; i++)
		hex(sums[i], &finding->sums[i]);
	snprintf(guid, sizeof(guid), "%" PRIu64, finding->sums[SENDER].guid);
	if (json_text_member(out, "guid", guid) == -1 ||
	    json_text_member(out, "kind",
	    sum_line_kind(finding->sums[SENDER].kind)) == -1 ||
	    json_text_integer_member(out, "bytes", (int64_t)finding->bytes) == -1)
		return (-1);
	if (finding->same)
		return (json_text_member(out, "digest", sums[SENDER]));
	return (json_text_member(out, "sender_digest", sums[SENDER]) == -1 ||
	    json_text_member(out, "receiver_digest", sums[RECEIVER]) == -1 ||
	    add_objects(out, finding) == -1 ? -1 : 0);
}

static int
print_json(struct buffer *out, const struct subject *subject, const char *snapshot,
    const struct finding *finding)
{
	struct buffer line = BUFFER_EMPTY(LINE_MAX_BYTES);
	int result;

	result = json_text_member(&line, "result", finding->why != NULL ?
	    "not-compared" : finding->same ? "same" : "differs") == -1 ||
	    json_text_member(&line, "filesystem",
	    subject->listings[SENDER]->filesystem) == -1 ||
	    json_text_member(&line, "destination", subject->destination) == -1 ||
	    (snapshot[0] == '@' && json_text_member(&line, "snapshot",
	    snapshot + 1) == -1) ||
	    (finding->why == NULL && add_comparison(&line, finding) == -1) ||
	    add_text(&line, "message", finding->why) == -1 ||
	    add_text(&line, "hint", finding->hint) == -1 ||
	    json_text_raw(&line, "}\n") == -1 ||
	    buffer_append(out, buffer_front(&line), buffer_length(&line)) == -1 ?
	    -1 : 0;
	buffer_free(&line);
	return (result);
}

/* --- the results, in order --- */

static void
print(struct verification *verification, const struct subject *subject,
    const struct check *check, const struct finding *finding)
{
	struct counts *counts = &verification->counts;
	struct buffer *out = &verification->out;
	char snapshot[2 * FS_NAME_MAX] = "";

	counts->bytes += finding->bytes;
	if (finding->why != NULL)
		counts->failed++;
	else if (finding->same)
		counts->same++;
	else
		counts->differ++;
	if (verification->options->quiet && finding->why == NULL && finding->same)
		return;
	if (check != NULL)
		snprintf(snapshot, sizeof(snapshot), "@%s",
		    check->pair.versions[SENDER]->name);
	if ((verification->options->json ? print_json(out, subject, snapshot, finding) :
	    print_text(out, subject, snapshot, finding)) == -1)
		error_errno(&verification->fatal, "a result");
}

static bool
is_over(const struct subject *subject)
{
	bool over = subject->state == SUBJECT_CHOSEN;

	for (size_t i = 0; i < subject->count; i++)
		over = over && subject->checks[i].state == CHECK_OVER;
	return (over);
}

void
show_subjects(struct verification *verification)
{
	struct subject *subject;

	while (verification->shown < verification->begun &&
	    verification_goes_on(verification)) {
		subject = &verification->subjects[verification->shown];
		if (!is_over(subject))
			return;
		for (size_t i = 0; i < subject->count; i++)
			print(verification, subject, &subject->checks[i],
			    subject->checks[i].finding);
		if (subject->failure != NULL)
			print(verification, subject, NULL, subject->failure);
		subject_free(subject);
		*subject = (struct subject){ .state = SUBJECT_CHOSEN };
		verification->shown++;
	}
}

/* --- standard error --- */

void
show_retry(const struct verification *verification, const struct subject *subject,
    const struct check *check, const struct error *why, int64_t wait_ms)
{
	struct error line = *why;
	char time[AMOUNT_SIZE];

	if (verification->options->quiet)
		return;
	error_prefix(&line, "%s%s%s", subject->listings[SENDER]->filesystem,
	    check == NULL ? "" : "@",
	    check == NULL ? "" : check->pair.versions[SENDER]->name);
	snprintf(line.text + strlen(line.text), sizeof(line.text) - strlen(line.text),
	    " (trying again in %s)", amount_of_time(time, wait_ms));
	diag_error(&line);
}

void
show_skipped(const struct verification *verification, const struct subject *subject,
    const struct error *why)
{
	if (verification->options->verbose)
		diag("%s@%s cannot be sent in full: %s",
		    subject->listings[SENDER]->filesystem,
		    subject->pairs[subject->next].versions[SENDER]->name, why->text);
}

void
show_progress(const struct slot *slot)
{
	const struct source *sources = slot->comparison.sources;
	char bytes[SIDES][AMOUNT_SIZE], size[AMOUNT_SIZE], of[AMOUNT_SIZE + 16] = "";

	if (sources[SENDER].expected > 0)
		snprintf(of, sizeof(of), " of about %s",
		    amount_of_bytes(size, sources[SENDER].expected));
	diag("%s@%s: %s%s from the sender, %s from the receiver",
	    slot->subject->listings[SENDER]->filesystem,
	    slot->check->pair.versions[SENDER]->name,
	    amount_of_bytes(bytes[SENDER], sources[SENDER].bytes), of,
	    amount_of_bytes(bytes[RECEIVER], sources[RECEIVER].bytes));
}

void
show_end(const struct verification *verification, int code)
{
	const struct counts *counts = &verification->counts;
	const size_t total = counts->same + counts->differ + counts->failed;
	char bytes[AMOUNT_SIZE], time[AMOUNT_SIZE];

	if (verification->count == 0 ||
	    (verification->options->quiet && code == EXIT_DONE))
		return;
	diag("%zu snapshot%s: %zu the same, %zu differ%s, %zu not compared (%s, %s)",
	    total, total == 1 ? "" : "s", counts->same, counts->differ,
	    counts->differ == 1 ? "s" : "", counts->failed,
	    amount_of_bytes(bytes, counts->bytes),
	    amount_of_time(time, io_now() - verification->began));
}
