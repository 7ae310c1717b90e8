#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "endpoint/side_pipe.h"
#include "plan/plan_print.h"
#include "replicate/events.h"
#include "replicate/table.h"

#define PROGRESS_EVENT_MS 1000
#define SIGNAL_MS 200	/* between a child's SIGINT and ours */

/* --- one turn of the loop --- */

/* The run is over: so are its steps. */
static void
end_steps(struct replication *replication, const struct error *why, int64_t now)
{
	for (size_t i = 0; i < replication->options->parallel; i++)
		if (replication->slots[i].work != NULL)
			transfer_end(&replication->slots[i].transfer,
			    FAILURE_OTHER, why, now);
}

static void
take_signals(struct replication *replication, int64_t now)
{
	const int number = signals_take_end();
	struct error error;

	signals_take(SIGCHLD);
	if (signals_take(SIGUSR1))
		report_lines(replication);
	if (number == 0 || replication->signal != 0)
		return;
	replication->signal = number;
	error_set(&error, EXIT_SIGNAL + (unsigned)number, "ended by signal %d",
	    number);
	end_steps(replication, &error, now);
}

/*
 * Ctrl-C reaches every process of the terminal's group, and this one may be the last: a
 * child that ended with this code announces the signal that we are about to get.
 */
void
replication_await_signal(struct replication *replication, int exit_code)
{
	const int64_t limit = io_now() + SIGNAL_MS;

	if (exit_code != EXIT_SIGNAL + SIGINT)
		return;
	while (replication->signal == 0 && io_now() < limit) {
		io_poll(NULL, 0, limit);
		take_signals(replication, io_now());
	}
}

static void
take_reply(struct replication *replication, struct side *side,
    struct reply *reply, int64_t now)
{
	const char *method = reply->method->name;

	if (reply->failure == FAILURE_TRANSPORT)
		replication_await_signal(replication, (int)reply->error.code);
	if (side->lister != NULL) {
		lister_take(side->lister, reply, now, &replication->fatal);
		return;
	}
	if (strncmp(method, "List", 4) == 0) {
		relisting_take(replication, side, reply, now);
		return;
	}
	if (strcmp(method, "Ping") == 0)
		side_on_ping(side, reply, now);
	else if (strcmp(method, "SendDry") == 0)
		sizes_take(replication, reply);
	else
		work_on_completion(replication, reply->context, reply, now);
	session_reply_free(reply);
}

static void
take_replies(struct replication *replication, int64_t now)
{
	struct reply *reply;

	for (int i = 0; i < SIDES; i++)
		while ((reply = session_next(replication->sides[i].session)) !=
		    NULL)
			take_reply(replication, &replication->sides[i], reply, now);
}

/* How far it has come: for the events, and whether it stands still. */
static void
watch(struct replication *replication, struct slot *slot, int64_t now)
{
	const struct transfer *transfer = &slot->transfer;
	const int64_t stall = replication->options->stall_ms;
	struct error error;
	uint64_t bytes;
	const bool known = transfer_bytes(transfer, &bytes);

	if (bytes != slot->moved ||
	    (transfer->phase != TRANSFER_ANSWER && !known)) {
		slot->moved = bytes;
		slot->moved_at = now;
	}
	if (now >= slot->told_at + PROGRESS_EVENT_MS && known) {
		slot->told_at = now;
		events_progress(replication, slot->work, bytes);
	}
	if (stall == 0 || now < slot->moved_at + stall)
		return;
	error_set(&error, EXIT_TIMEOUT, "no byte has moved for %lld s",
	    (long long)(stall / 1000));
	transfer_end(&slot->transfer, FAILURE_TRANSPORT, &error, now);
	slot->moved_at = now;
}

/* Past deadlines have been acted on, as far as possible. */
static int64_t
earlier_ahead(const struct replication *replication, int64_t a, int64_t b)
{
	return (b > replication->turned_at ? io_earlier(a, b) : a);
}

static int64_t
deadline_of(const struct replication *replication)
{
	const struct replicate_options *options = replication->options;
	int64_t deadline = IO_FOREVER;

	for (int i = 0; i < SIDES; i++) {
		const struct side *side = &replication->sides[i];

		deadline = io_earlier(deadline, session_deadline(side->session));
		if (!side->lost)
			continue;
		deadline = earlier_ahead(replication, deadline,
		    side->lost_at + options->contact_ms);
		if (!side->pinging)
			deadline = earlier_ahead(replication, deadline,
			    side->ping_at);
	}
	for (size_t i = 0; i < options->parallel; i++) {
		const struct slot *slot = &replication->slots[i];

		if (slot->work == NULL)
			continue;
		deadline = io_earlier(deadline, transfer_deadline(&slot->transfer));
		if (options->stall_ms != 0)
			deadline = io_earlier(deadline,
			    slot->moved_at + options->stall_ms);
	}
	for (size_t i = 0; i < replication->set.count; i++)
		if (replication->works[i].state == WORK_WAITING)
			deadline = earlier_ahead(replication, deadline,
			    replication->works[i].again_at);
	if (replication->has_table)
		deadline = io_earlier(deadline, replication->drawn_at + TABLE_MS);
	return (io_earlier(deadline, ahead_deadline(replication)));
}

static void
handle_slot(struct replication *replication, struct slot *slot,
    const struct pollfd *entries, int64_t now)
{
	transfer_handle(&slot->transfer, entries, now);
	if (slot->transfer.phase >= TRANSFER_FAILED)
		work_on_transfer(replication, slot, now);
	else
		watch(replication, slot, now);
}

/* Wait for something, and go on with it. */
void
replication_turn(struct replication *replication)
{
	const size_t parallel = replication->options->parallel;
	struct pollfd *entries = replication->entries, *of_slots, *of_aheads;
	int64_t now;

	for (int i = 0; i < SIDES; i++)
		session_poll(replication->sides[i].session,
		    entries + i * SESSION_ENTRIES);
	of_slots = entries + SIDES * SESSION_ENTRIES;
	for (size_t i = 0; i < parallel; i++)
		if (replication->slots[i].work != NULL)
			transfer_poll(&replication->slots[i].transfer,
			    of_slots + i * TRANSFER_ENTRIES);
		else
			for (int j = 0; j < TRANSFER_ENTRIES; j++)
				of_slots[i * TRANSFER_ENTRIES + (size_t)j].fd = -1;
	of_aheads = of_slots + parallel * TRANSFER_ENTRIES;
	ahead_poll(replication, of_aheads);
	io_poll(entries, SIDES * SESSION_ENTRIES + (parallel +
	    replication->aheads.count) * TRANSFER_ENTRIES,
	    deadline_of(replication));
	replication->turned_at = now = io_now();
	take_signals(replication, now);
	for (int i = 0; i < SIDES; i++)
		session_handle(replication->sides[i].session,
		    entries + i * SESSION_ENTRIES, now);
	take_replies(replication, now);
	ahead_handle(replication, of_aheads, now);
	for (size_t i = 0; i < parallel; i++)
		if (replication->slots[i].work != NULL)
			handle_slot(replication, &replication->slots[i],
			    of_slots + i * TRANSFER_ENTRIES, now);
	if (replication->has_table && now >= replication->drawn_at + TABLE_MS) {
		replication->drawn_at = now;
		replication_draw(replication, now);
	}
}

bool
replication_goes_on(const struct replication *replication)
{
	return (replication->fatal.code == EXIT_DONE && replication->signal == 0);
}

/* --- the run --- */

/* A side was out of reach for too long: fail all that waits for it, or for a step. */
static void
check_contact(struct replication *replication, int64_t now)
{
	for (int i = 0; i < SIDES; i++) {
		const struct side *side = &replication->sides[i];

		if (!side->lost ||
		    now < side->lost_at + replication->options->contact_ms)
			continue;
		for (size_t j = 0; j < replication->set.count; j++) {
			struct work *work = &replication->works[j];

			if (work->state != WORK_WAITING &&
			    work->state != WORK_READY)
				continue;
			work->failure = FAILURE_TRANSPORT;
			work_give_up(replication, work, &side->error);
		}
	}
}

static void
run(struct replication *replication)
{
	int64_t now;

	while (replication_goes_on(replication) && replication->open > 0) {
		now = io_now();
		work_start_steps(replication, now);
		work_complete_again(replication, now);
		relisting_start(replication, now);
		sizes_ask(replication, now);
		for (int i = 0; i < SIDES; i++)
			side_tick(replication, &replication->sides[i], now);
		replication_turn(replication);
		check_contact(replication, io_now());
	}
	if (replication->fatal.code != EXIT_DONE)
		end_steps(replication, &replication->fatal, io_now());
	ahead_end(replication, io_now());
	while (replication->running > 0 || ahead_left(replication))
		replication_turn(replication);
}

static void
forecast(struct replication *replication)
{
	while (replication_goes_on(replication)) {
		sizes_ask(replication, io_now());
		if (replication->sizes.pending == 0)
			return;
		replication_turn(replication);
	}
}

/* Everything there: 0; or why not. */
static int
exit_code(const struct replication *replication)
{
	bool failed = replication->unmatched, by_transport = true;

	if (replication->signal != 0)
		return (EXIT_SIGNAL + replication->signal);
	if (replication->fatal.code != EXIT_DONE)
		return ((int)replication->fatal.code);
	for (size_t i = 0; i < replication->set.count; i++) {
		const struct work *work = &replication->works[i];

		if (work->state != WORK_OVER || work->end != END_FAILED)
			continue;
		failed = true;
		by_transport = by_transport && work->failure == FAILURE_TRANSPORT;
	}
	if (!failed)
		return (EXIT_DONE);
	return (by_transport && !replication->unmatched ? EXIT_TIMEOUT :
	    EXIT_FAILED);
}

static void
open_all(struct replication *replication)
{
	const struct replicate_options *options = replication->options;

	replication->slots = calloc(options->parallel, sizeof(*replication->slots));
	replication->sizes.questions = calloc(options->sizes + 1,
	    sizeof(*replication->sizes.questions));
	replication->aheads.count = ahead_limit(options);
	replication->aheads.all = calloc(replication->aheads.count + 1,
	    sizeof(*replication->aheads.all));
	replication->entries = calloc(SIDES * SESSION_ENTRIES + (options->parallel +
	    replication->aheads.count) * TRANSFER_ENTRIES,
	    sizeof(*replication->entries));
	if (side_open(&replication->sides[SIDE_SENDER], "sender",
	    options->sender) == -1 ||
	    side_open(&replication->sides[SIDE_RECEIVER], "receiver",
	    options->receiver) == -1 || replication->slots == NULL ||
	    replication->aheads.all == NULL || replication->entries == NULL ||
	    replication->sizes.questions == NULL)
		die_errno("replication");
	replication->has_table = !options->quiet && !options->dry_run &&
	    table_open(STDERR_FILENO);
}

static void
free_all(struct replication *replication)
{
	for (int i = 0; i < SIDES; i++)
		side_free(&replication->sides[i]);
	for (size_t i = 0; replication->works != NULL &&
	    i < replication->set.count; i++)
		work_free(&replication->works[i]);
	plan_order_free(replication->order);
	free(replication->works);
	plan_set_free(&replication->set);
	session_reply_free(replication->relisting.filesystems);
	free(replication->slots);
	free(replication->aheads.all);
	free(replication->sizes.questions);
	free(replication->entries);
	buffer_free(&replication->out);
	side_pipes_release();
}

int
replicate(const struct replicate_options *options)
{
	struct replication replication = { .options = options,
	    .out = BUFFER_EMPTY(PLAN_TEXT_MAX), .began = io_now(),
	    .fatal.code = EXIT_DONE };
	int code;

	open_all(&replication);
	events_start(&replication);
	replication_list(&replication);
	if (replication_goes_on(&replication))
		replication_plan(&replication);
	if (replication_goes_on(&replication)) {
		if (options->dry_run)
			forecast(&replication);
		else
			run(&replication);
	}
	code = exit_code(&replication);
	table_clear();
	if (replication.fatal.code != EXIT_DONE && replication.signal == 0)
		diag_error(&replication.fatal);
	report_end(&replication, code);
	free_all(&replication);
	return (code);
}
