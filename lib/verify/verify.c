#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "verify/verification.h"

#define OUTPUT_MAX	((size_t)64 << 20)	/* bytes that wait to be written */
#define SIGNAL_MS	200	/* between a child's SIGINT and ours */

bool
verification_goes_on(const struct verification *verification)
{
	return (verification->fatal.code == EXIT_DONE && verification->signal == 0);
}

/* --- signals --- */

static void
take_signals(struct verification *verification)
{
	const int number = signals_take_end();

	signals_take(SIGCHLD);
	if (signals_take(SIGUSR1))
		checks_tell(verification);
	if (verification->signal == 0)
		verification->signal = number;
}

/*
 * Ctrl-C reaches every process of the terminal's group: a child that has ended by it
 * announces what we are about to get.
 */
void
verification_await_signal(struct verification *verification,
    const struct error *why)
{
	const int64_t limit = io_now() + SIGNAL_MS;

	if (why->code != EXIT_SIGNAL + SIGINT)
		return;
	while (verification->signal == 0 && io_now() < limit) {
		io_poll(NULL, 0, limit);
		take_signals(verification);
	}
}

/* --- one turn of the loop --- */

static void
write_out(struct verification *verification)
{
	if (verification->fatal.code == EXIT_DONE)
		io_print_ready(&verification->out, &verification->fatal);
}

static void
take_replies(struct verification *verification, int64_t now)
{
	struct reply *reply;

	for (int i = 0; i < SIDES; i++)
		while ((reply = session_next(verification->sessions[i])) != NULL) {
			if (reply->failure == FAILURE_TRANSPORT)
				verification_await_signal(verification, &reply->error);
			if (verification->listers[i] != NULL)
				lister_take(verification->listers[i], reply, now,
				    &verification->fatal);
			else
				choose_take(verification, reply, now);
		}
}

static int64_t
deadline_of(const struct verification *verification, int64_t deadline)
{
	for (int i = 0; i < SIDES; i++)
		deadline = io_earlier(deadline,
		    session_deadline(verification->sessions[i]));
	return (io_earlier(deadline, checks_deadline(verification)));
}

static size_t
fill_entries(struct verification *verification)
{
	struct pollfd *entries = verification->entries;
	size_t count = 0;

	for (int i = 0; i < SIDES; i++, count += SESSION_ENTRIES)
		session_poll(verification->sessions[i], entries + count);
	count += checks_poll(verification, entries + count);
	entries[count++] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&verification->out) > 0 ? STDOUT_FILENO : -1 };
	return (count);
}

void
verification_turn(struct verification *verification, int64_t wake_at)
{
	const struct pollfd *entries = verification->entries;
	const size_t count = fill_entries(verification);
	int64_t now;

	io_poll(verification->entries, count, deadline_of(verification, wake_at));
	now = io_now();
	take_signals(verification);
	for (int i = 0; i < SIDES; i++, entries += SESSION_ENTRIES)
		session_handle(verification->sessions[i], entries, now);
	take_replies(verification, now);
	checks_handle(verification, entries, now);
	write_out(verification);
}

/* --- the run --- */

static void
run(struct verification *verification)
{
	int64_t now;

	while (verification_goes_on(verification)) {
		now = io_now();
		choose(verification, now);
		checks_start(verification, now);
		show_subjects(verification);
		if (verification->shown == verification->count &&
		    buffer_length(&verification->out) == 0)
			return;
		if (verification_goes_on(verification))
			verification_turn(verification, io_earlier(
			    choose_deadline(verification),
			    checks_wake_at(verification)));
	}
}

/* The run is over: so are its comparisons. */
static void
end_checks(struct verification *verification)
{
	int64_t now = io_now();

	/* Some may have ended by themselves, so that no event would come any more. */
	checks_end(verification, now);
	for (; checks_running(verification) > 0; now = IO_FOREVER)
		verification_turn(verification, now);
}

static int
exit_code(struct verification *verification)
{
	const struct counts *counts = &verification->counts;

	if (verification->signal != 0) {
		error_set(&verification->fatal,
		    EXIT_SIGNAL + (unsigned)verification->signal,
		    "ended by signal %d", verification->signal);
	}
	if (verification->fatal.code != EXIT_DONE) {
		diag_error(&verification->fatal);
		return ((int)verification->fatal.code);
	}
	return (counts->differ > 0 || counts->failed > 0 || verification->unmatched ?
	    EXIT_FAILED : EXIT_DONE);
}

static void
open_all(struct verification *verification)
{
	const struct verify_options *options = verification->options;

	verification->sessions[SENDER] = session_new("sender", options->sender);
	verification->sessions[RECEIVER] = session_new("receiver", options->receiver);
	verification->slots = calloc(options->parallel, sizeof(*verification->slots));
	verification->entries = calloc(SIDES * SESSION_ENTRIES +
	    options->parallel * COMPARISON_ENTRIES + 1,
	    sizeof(*verification->entries));
	if (verification->sessions[SENDER] == NULL ||
	    verification->sessions[RECEIVER] == NULL ||
	    verification->slots == NULL || verification->entries == NULL)
		die_errno("verification");
}

static void
free_all(struct verification *verification)
{
	for (int i = 0; i < SIDES; i++) {
		session_free(verification->sessions[i]);
		lister_free(verification->listers[i]);
	}
	for (size_t i = 0; i < verification->count; i++)
		subject_free(&verification->subjects[i]);
	for (int i = 0; i < SIDES; i++)
		listing_free(&verification->listings[i]);
	free(verification->subjects);
	free(verification->slots);
	free(verification->entries);
	buffer_free(&verification->out);
}

int
verify(const struct verify_options *options)
{
	struct verification verification = { .options = options,
	    .out = BUFFER_EMPTY(OUTPUT_MAX), .began = io_now(),
	    .fatal.code = EXIT_DONE };
	int code;

	open_all(&verification);
	verification_list(&verification);
	run(&verification);
	end_checks(&verification);
	code = exit_code(&verification);
	show_end(&verification, code);
	free_all(&verification);
	return (code);
}
