/* The comparisons: several at once, each tried again if its connection was lost. */
#include <stdlib.h>

#include "base/io.h"
#include "verify/verification.h"

#define TELL_MS		5000	/* between two reports of a comparison's progress */

/* --- beginning and end of one --- */

static void
start_check(struct verification *verification, struct slot *slot,
    struct subject *subject, struct check *check, int64_t now)
{
	const struct verify_options *options = verification->options;
	const struct source_order orders[SIDES] = {
		{ "sender", options->sender, subject->listings[SENDER]->filesystem,
		    check->pair.versions[SENDER] },
		{ "receiver", options->receiver,
		    subject->listings[RECEIVER]->filesystem,
		    check->pair.versions[RECEIVER] }
	};

	if (comparison_start(&slot->comparison, orders, now,
	    &verification->fatal) == -1)
		return;
	slot->subject = subject;
	slot->check = check;
	slot->told_at = now;
	check->state = CHECK_RUNNING;
}

/* The next one whose time has come; NULL. */
static struct check *
find_check(struct verification *verification, struct subject **subject, int64_t now)
{
	for (size_t i = verification->shown; i < verification->begun; i++) {
		*subject = &verification->subjects[i];
		for (size_t j = 0; j < (*subject)->count; j++)
			if ((*subject)->checks[j].state == CHECK_READY &&
			    now >= (*subject)->checks[j].again_at)
				return (&(*subject)->checks[j]);
	}
	return (NULL);
}

void
checks_start(struct verification *verification, int64_t now)
{
	struct subject *subject;
	struct check *check;

	for (size_t i = 0; i < verification->options->parallel &&
	    verification_goes_on(verification); i++) {
		if (verification->slots[i].check != NULL)
			continue;
		check = find_check(verification, &subject, now);
		if (check == NULL)
			return;
		start_check(verification, &verification->slots[i], subject, check,
		    now);
	}
}

/* It is over: keep what it has shown, or try it again. */
static void
finish(struct verification *verification, struct slot *slot, int64_t now)
{
	struct comparison *comparison = &slot->comparison;
	struct check *check = slot->check;
	const bool failed = comparison->failure != FAILURE_NONE;

	comparison_free(comparison);
	slot->check = NULL;
	if (failed)
		verification_await_signal(verification, &comparison->error);
	if (verification->signal != 0)
		return;
	if (failed && comparison->failure != FAILURE_OTHER &&
	    ++check->attempts < verification->options->attempts) {
		check->state = CHECK_READY;
		check->again_at = failure_retry_at(now, check->attempts);
		show_retry(verification, slot->subject, check, &comparison->error,
		    check->again_at - now);
		return;
	}
	check->state = CHECK_OVER;
	check->finding = failed ? finding_failed(verification, &comparison->error) :
	    finding_compared(verification, comparison);
}

static void
handle_slot(struct verification *verification, struct slot *slot,
    const struct pollfd *entries, int64_t now)
{
	comparison_handle(&slot->comparison, entries,
	    verification->options->stall_ms, now);
	if (slot->comparison.over)
		finish(verification, slot, now);
	else if (verification->options->verbose && now >= slot->told_at + TELL_MS) {
		slot->told_at = now;
		show_progress(slot);
	}
}

/* --- for the poll loop --- */

size_t
checks_poll(const struct verification *verification, struct pollfd *entries)
{
	size_t count = 0;

	for (size_t i = 0; i < verification->options->parallel; i++,
	    count += COMPARISON_ENTRIES)
		if (verification->slots[i].check != NULL)
			comparison_poll(&verification->slots[i].comparison,
			    entries + count);
		else
			for (int j = 0; j < COMPARISON_ENTRIES; j++)
				entries[count + (size_t)j] = (struct pollfd){ .fd = -1 };
	return (count);
}

int64_t
checks_deadline(const struct verification *verification)
{
	const struct verify_options *options = verification->options;
	int64_t deadline = IO_FOREVER;

	for (size_t i = 0; i < options->parallel; i++) {
		const struct slot *slot = &verification->slots[i];

		if (slot->check == NULL)
			continue;
		deadline = io_earlier(deadline, comparison_deadline(
		    &slot->comparison, options->stall_ms));
		if (options->verbose)
			deadline = io_earlier(deadline, slot->told_at + TELL_MS);
	}
	return (deadline);
}

void
checks_handle(struct verification *verification, const struct pollfd *entries,
    int64_t now)
{
	for (size_t i = 0; i < verification->options->parallel; i++,
	    entries += COMPARISON_ENTRIES)
		if (verification->slots[i].check != NULL)
			handle_slot(verification, &verification->slots[i], entries,
			    now);
}

int64_t
checks_wake_at(const struct verification *verification)
{
	int64_t deadline = IO_FOREVER;
	const struct subject *subject;
	bool free_slot = false;

	for (size_t i = 0; i < verification->options->parallel; i++)
		free_slot = free_slot || verification->slots[i].check == NULL;
	for (size_t i = verification->shown; free_slot && i < verification->begun; i++) {
		subject = &verification->subjects[i];
		for (size_t j = 0; j < subject->count; j++)
			if (subject->checks[j].state == CHECK_READY)
				deadline = io_earlier(deadline,
				    subject->checks[j].again_at);
	}
	return (deadline);
}

size_t
checks_running(const struct verification *verification)
{
	size_t count = 0;

	for (size_t i = 0; i < verification->options->parallel; i++)
		count += verification->slots[i].check != NULL;
	return (count);
}

void
checks_tell(const struct verification *verification)
{
	for (size_t i = 0; i < verification->options->parallel; i++)
		if (verification->slots[i].check != NULL)
			show_progress(&verification->slots[i]);
}

void
checks_end(struct verification *verification, int64_t now)
{
	struct error why;

	error_set(&why, EXIT_FAILED, "ended");
	for (size_t i = 0; i < verification->options->parallel; i++)
		if (verification->slots[i].check != NULL)
			comparison_end(&verification->slots[i].comparison,
			    FAILURE_OTHER, &why, now);
}
