#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "prune/pruning.h"

#define TARGETS_WAIT	64		/* that are being pruned: no more are decided */
#define OUTPUT_WAITS	(64u << 10)	/* bytes that are not written: the same */
#define OUTPUT_MAX	((size_t)512 << 20)	/* of one filesystem */
#define SIGNAL_MS	200		/* between a child's SIGINT and ours */

static bool
goes_on(const struct pruning *pruning)
{
	return (pruning->fatal.code == EXIT_DONE && pruning->signal == 0);
}

/* --- one turn of the loop --- */

static void
take_signals(struct pruning *pruning)
{
	const int number = signals_take_end();

	signals_take(SIGCHLD);
	if (pruning->signal == 0)
		pruning->signal = number;
}

/*
 * Ctrl-C reaches every process of the terminal's group: a child that ended by it
 * announces the signal that we are about to get.
 */
static void
await_signal(struct pruning *pruning, const struct reply *reply)
{
	const int64_t limit = io_now() + SIGNAL_MS;

	if (reply->failure != FAILURE_TRANSPORT ||
	    reply->error.code != EXIT_SIGNAL + SIGINT)
		return;
	while (pruning->signal == 0 && io_now() < limit) {
		io_poll(NULL, 0, limit);
		take_signals(pruning);
	}
}

static void
write_out(struct pruning *pruning)
{
	if (pruning->fatal.code == EXIT_DONE)
		io_print_ready(&pruning->out, &pruning->fatal);
}

static void
take_reply(struct pruning *pruning, struct lister *lister, struct reply *reply)
{
	await_signal(pruning, reply);
	if (reply->error.hint[0] != '\0')
		strlcpy(pruning->hint, reply->error.hint, sizeof(pruning->hint));
	if (strcmp(reply->method->name, "DestroySnapshots") == 0)
		pruning_take_destroyed(pruning, reply);
	else if (lister_take(lister, reply, io_now(), &pruning->fatal) == 0 &&
	    lister_failure(lister) != NULL)
		pruning->fatal = lister_failure(lister)->error;
}

static void
take_replies(struct pruning *pruning)
{
	struct reply *reply;

	while (pruning->sender != NULL &&
	    (reply = session_next(pruning->sender)) != NULL)
		take_reply(pruning, pruning->sender_lister, reply);
	while ((reply = session_next(pruning->endpoint)) != NULL)
		take_reply(pruning, pruning->lister, reply);
}

static void
turn(struct pruning *pruning)
{
	struct pollfd entries[2 * SESSION_ENTRIES + 1];
	int64_t deadline = session_deadline(pruning->endpoint);
	size_t count = SESSION_ENTRIES;

	session_poll(pruning->endpoint, entries);
	if (pruning->sender != NULL) {
		session_poll(pruning->sender, entries + count);
		deadline = io_earlier(deadline, session_deadline(pruning->sender));
		count += SESSION_ENTRIES;
	}
	entries[count++] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&pruning->out) > 0 ? STDOUT_FILENO : -1 };
	io_poll(entries, count, deadline);
	take_signals(pruning);
	if (pruning->signal != 0)
		return;
	session_handle(pruning->endpoint, entries, io_now());
	if (pruning->sender != NULL)
		session_handle(pruning->sender, entries + SESSION_ENTRIES,
		    io_now());
	take_replies(pruning);
	write_out(pruning);
}

/* --- the run --- */

static void
gather_sender(struct pruning *pruning)
{
	struct lister *lister = pruning->sender_lister;
	struct error *fatal = &pruning->fatal;
	Listing *entry;

	while (!pruning->sender_known && goes_on(pruning)) {
		if (lister_done(lister)) {
			pruning->sender_known = true;
			listing_sort(&pruning->sender_listing, fatal);
			return;
		}
		if (lister_next(lister, &entry, io_now(), fatal) == -1 ||
		    entry == NULL)
			return;
		listing_append(&pruning->sender_listing, entry, fatal);
	}
}

static void
consider(struct pruning *pruning)
{
	Listing *entry;

	while (pruning->sender_known && goes_on(pruning) &&
	    pruning->target_count < TARGETS_WAIT &&
	    buffer_length(&pruning->out) < OUTPUT_WAITS) {
		if (lister_next(pruning->lister, &entry, io_now(),
		    &pruning->fatal) == -1 || entry == NULL)
			return;
		pruning->listed = true;
		pruning_consider(pruning, entry);
	}
}

static void
run(struct pruning *pruning)
{
	if (lister_start(pruning->lister, io_now(), &pruning->fatal) == -1 ||
	    (pruning->sender != NULL && lister_start(pruning->sender_lister,
	    io_now(), &pruning->fatal) == -1))
		return;
	while (goes_on(pruning) && (!lister_done(pruning->lister) ||
	    !pruning->sender_known || pruning->target_count > 0 ||
	    buffer_length(&pruning->out) > 0)) {
		turn(pruning);
		gather_sender(pruning);
		consider(pruning);
		pruning_call(pruning, io_now());
		write_out(pruning);
	}
}

/* --- the end --- */

/* Report the operands that matched nothing. */
static void
check_names(struct pruning *pruning)
{
	const struct prune_options *options = pruning->options;
	const struct counts *counts = &pruning->counts;
	const char *name;
	size_t at = 0;

	if (!pruning->listed && options->filesystem_count == 0) {
		diag("the endpoint has no filesystem");
		pruning->failed = true;
	}
	while ((name = lister_unmatched(pruning->lister, &at)) != NULL) {
		diag("%s: the endpoint has no such filesystem", name);
		pruning->failed = true;
	}
	if (counts->elsewhere > 0 && !options->style.verbose)
		diag("%zu filesystem%s left alone, as the sender does not have %s",
		    counts->elsewhere, counts->elsewhere == 1 ? " was" : "s were",
		    counts->elsewhere == 1 ? "it" : "them");
	if (options->judgement.job != NULL && !pruning->cursor_seen &&
	    counts->filesystems > 0)
		diag("no filesystem has a cursor of the job %s: not_replicated keeps "
		    "everything", options->judgement.job);
}

static void
summarize(const struct pruning *pruning)
{
	const struct counts *counts = &pruning->counts;
	char rest[128] = "";

	if (!pruning->options->destroy) {
		diag("%zu filesystem%s: %zu snapshot%s would go, %zu stay; nothing "
		    "was changed", counts->filesystems,
		    counts->filesystems == 1 ? "" : "s", counts->going,
		    counts->going == 1 ? "" : "s", counts->kept);
		return;
	}
	if (counts->left_alone > 0)
		snprintf(rest, sizeof(rest), "; %zu filesystem%s left alone",
		    counts->left_alone, counts->left_alone == 1 ? "" : "s");
	diag("%zu filesystem%s: %zu snapshot%s destroyed, %zu kept, %zu in use, "
	    "%zu not destroyed%s", counts->filesystems,
	    counts->filesystems == 1 ? "" : "s", counts->destroyed,
	    counts->destroyed == 1 ? "" : "s", counts->kept, counts->in_use,
	    counts->going - counts->destroyed - counts->in_use,
	    rest);
}

/* Say how it ended. */
static int
end(struct pruning *pruning)
{
	if (pruning->signal != 0)
		error_set(&pruning->fatal, EXIT_SIGNAL + (unsigned)pruning->signal,
		    "ended by signal %d", pruning->signal);
	if (pruning->fatal.code != EXIT_DONE)
		diag_error(&pruning->fatal);
	else
		check_names(pruning);
	if (lister_failure(pruning->lister) == NULL)
		summarize(pruning);
	if (pruning->fatal.code != EXIT_DONE)
		return ((int)pruning->fatal.code);
	return (pruning->failed ? EXIT_FAILED : EXIT_DONE);
}

static void
open_all(struct pruning *pruning)
{
	const struct prune_options *options = pruning->options;

	TAILQ_INIT(&pruning->targets);
	pruning->endpoint = session_new("endpoint", options->endpoint);
	if (pruning->endpoint != NULL)
		pruning->lister = lister_new(pruning->endpoint,
		    options->filesystems, options->filesystem_count,
		    options->call_ms);
	pruning->sender_known = options->sender == NULL;
	if (options->sender != NULL)
		pruning->sender = session_new("sender", options->sender);
	if (pruning->sender != NULL)
		pruning->sender_lister = lister_new(pruning->sender,
		    options->filesystems, options->filesystem_count,
		    options->call_ms);
	if (pruning->lister == NULL ||
	    (options->sender != NULL && pruning->sender_lister == NULL))
		die_errno("pruning");
}

static void
free_all(struct pruning *pruning)
{
	struct target *target;

	session_free(pruning->endpoint);
	session_free(pruning->sender);
	lister_free(pruning->lister);
	lister_free(pruning->sender_lister);
	listing_free(&pruning->sender_listing);
	while ((target = TAILQ_FIRST(&pruning->targets)) != NULL) {
		TAILQ_REMOVE(&pruning->targets, target, entries);
		target_free(target);
	}
	buffer_free(&pruning->out);
}

int
prune(const struct prune_options *options)
{
	struct pruning pruning = { .options = options, .fatal.code = EXIT_DONE,
	    .out = BUFFER_EMPTY(OUTPUT_MAX) };
	int code;

	open_all(&pruning);
	run(&pruning);
	code = end(&pruning);
	free_all(&pruning);
	return (code);
}
