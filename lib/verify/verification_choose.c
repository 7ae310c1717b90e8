/*
 * Which snapshots are compared: the newest ones that both sides can send in full.  An
 * archive has some of them only as increments, and only it knows which: SendDry tells.
 */
#include <string.h>

#include "base/io.h"
#include "verify/verification.h"
#include "zrepl.pb-c.h"

static const struct pair *
current(const struct subject *subject)
{
	return (&subject->pairs[subject->next]);
}

static void
ask_side(struct verification *verification, struct subject *subject, int side,
    int64_t now)
{
	ReplicationConfigProtection protection = REPLICATION_CONFIG_PROTECTION__INIT;
	ReplicationConfig config = REPLICATION_CONFIG__INIT;
	SendReq request = SEND_REQ__INIT;

	protection.initial = REPLICATION_GUARANTEE_KIND__GuaranteeNothing;
	protection.incremental = REPLICATION_GUARANTEE_KIND__GuaranteeNothing;
	config.protection = &protection;
	request.filesystem = subject->listings[side]->filesystem;
	request.to = (FilesystemVersion *)(uintptr_t)current(subject)->versions[side];
	request.replicationconfig = &config;
	session_call(verification->sessions[side], "SendDry", &request.base,
	    now + verification->options->call_ms, &subject->questions[side],
	    &verification->fatal);
}

static void
ask(struct verification *verification, struct subject *subject, int64_t now)
{
	subject->asking = true;
	for (int i = 0; i < SIDES && verification_goes_on(verification); i++)
		ask_side(verification, subject, i, now);
}

/* Ask about the next one, unless all was found or no snapshot is left. */
static void
go_on(struct verification *verification, struct subject *subject, int64_t now)
{
	struct error error;

	if (subject->chosen < verification->options->snapshots &&
	    subject->next < subject->pair_count) {
		ask(verification, subject, now);
		return;
	}
	subject->state = SUBJECT_CHOSEN;
	if (subject->pair_count == 0) {
		error_set(&error, EXIT_FAILED, "the two have no snapshot in common");
		subject_fail(verification, subject, &error);
	} else if (subject->chosen == 0 && subject->failure == NULL) {
		subject->failure = subject->skipped;
		subject->skipped = NULL;
	}
}

static void
begin(struct verification *verification, struct subject *subject, int64_t now)
{
	if (subject->state != SUBJECT_NEW)
		return;
	subject->state = subject->searched ? SUBJECT_CHOOSING : SUBJECT_CHOSEN;
	if (subject->searched)
		go_on(verification, subject, now);
}

/* What can be compared next: chosen, or about to be. */
static size_t
ahead(const struct verification *verification)
{
	const struct subject *subject;
	size_t count = 0;

	for (size_t i = verification->shown; i < verification->begun; i++) {
		subject = &verification->subjects[i];
		count += subject->state == SUBJECT_CHOOSING;
		for (size_t j = 0; j < subject->count; j++)
			count += subject->checks[j].state == CHECK_READY;
	}
	return (count);
}

void
choose(struct verification *verification, int64_t now)
{
	struct subject *subject;

	for (size_t i = verification->shown; i < verification->begun; i++) {
		subject = &verification->subjects[i];
		if (subject->state == SUBJECT_CHOOSING && !subject->asking &&
		    now >= subject->again_at)
			ask(verification, subject, now);
	}
	while (verification->begun < verification->count &&
	    ahead(verification) <= verification->options->parallel)
		begin(verification, &verification->subjects[verification->begun++],
		    now);
}

int64_t
choose_deadline(const struct verification *verification)
{
	const struct subject *subject;
	int64_t deadline = IO_FOREVER;

	for (size_t i = verification->shown; i < verification->begun; i++) {
		subject = &verification->subjects[i];
		if (subject->state == SUBJECT_CHOOSING && !subject->asking)
			deadline = io_earlier(deadline, subject->again_at);
	}
	return (deadline);
}

/* --- the answers --- */

static bool
was_named(const struct subject *subject, const struct pair *pair)
{
	for (size_t i = 0; i < subject->count; i++)
		if (subject->checks[i].pair.versions[SENDER] == pair->versions[SENDER])
			return (true);
	return (false);
}

static void
take_pair(struct subject *subject)
{
	if (!was_named(subject, current(subject)))
		subject->checks[subject->count++].pair = *current(subject);
	subject->chosen++;
	subject->next++;
}

/* A receiver, ours or a zrepl daemon's: it would say the same of every snapshot. */
static bool
cannot_send(struct verification *verification, struct subject *subject,
    const struct error *why)
{
	struct error error = *why;

	if (strstr(why->text, "does not implement SendDry()") == NULL)
		return (false);
	strlcpy(error.hint, "let \"zr-endpoint sender\" serve that pool for zr-verify, "
	    "and map the names with -m (zr-verify(1))", sizeof(error.hint));
	subject_fail(verification, subject, &error);
	return (true);
}

/* Try the next one.  If none can be sent, the reason is that of the newest. */
static void
skip_pair(struct verification *verification, struct subject *subject,
    const struct error *why)
{
	const char *name = current(subject)->versions[SENDER]->name;
	struct error error = *why;

	show_skipped(verification, subject, why);
	subject->next++;
	if (subject->skipped != NULL)
		return;
	error_prefix(&error, "no snapshot that both have can be sent in full; @%s",
	    name);
	subject->skipped = finding_failed(verification, &error);
}

static void
try_again(struct verification *verification, struct subject *subject,
    const struct error *why, int64_t now)
{
	if (++subject->attempts >= verification->options->attempts) {
		subject_fail(verification, subject, why);
		return;
	}
	subject->again_at = failure_retry_at(now, subject->attempts);
	show_retry(verification, subject, NULL, why, subject->again_at - now);
}

/* Both sides have answered: the worse of the two counts, or else the sender's. */
static void
judge(struct verification *verification, struct subject *subject, int64_t now)
{
	const struct reply *worst = NULL;

	for (int i = 0; i < SIDES; i++) {
		const struct reply *reply = subject->questions[i].reply;

		if (reply->failure != FAILURE_NONE && (worst == NULL ||
		    (worst->failure == FAILURE_OTHER &&
		    reply->failure != FAILURE_OTHER)))
			worst = reply;
	}
	subject->asking = false;
	if (worst == NULL || worst->failure == FAILURE_OTHER) {
		subject->attempts = 0;
		if (worst == NULL)
			take_pair(subject);
		else if (cannot_send(verification, subject, &worst->error))
			return;
		else
			skip_pair(verification, subject, &worst->error);
		go_on(verification, subject, now);
	} else
		try_again(verification, subject, &worst->error, now);
}

void
choose_take(struct verification *verification, struct reply *reply, int64_t now)
{
	struct question *question = reply->context;
	struct subject *subject = question->subject;

	question->reply = reply;
	if (subject->questions[SENDER].reply == NULL ||
	    subject->questions[RECEIVER].reply == NULL)
		return;
	judge(verification, subject, now);
	for (int i = 0; i < SIDES; i++) {
		session_reply_free(subject->questions[i].reply);
		subject->questions[i].reply = NULL;
	}
}
