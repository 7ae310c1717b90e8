/*
 * zr-list: what an endpoint has, a line for each filesystem.  The work is in
 * lib/plan/lister and lib/step/session.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "format/fs_name.h"
#include "message/pbjson.h"
#include "plan/lister.h"
#include "transport/chain.h"

static const char usage[] =
    "zr-list [-t SECONDS] -e ENDPOINT [FILESYSTEM ...]";

#define CALL_SECONDS 600
#define OUTPUT_WAITS (64u << 10)	/* bytes that are not written: no more lines */

struct options {
	const char *endpoint;
	int64_t call_ms;
};

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .call_ms = CALL_SECONDS * 1000 };
	while ((option = usage_getopt(usage, argc, argv, "+e:ht:")) != -1)
		switch (option) {
		case 'e':
			options->endpoint = optarg;
			break;
		case 't':
			options->call_ms = 1000 * usage_number('t', "seconds",
			    optarg, 1, 86400);
			break;
		}
	if (options->endpoint == NULL)
		usage_die(usage);
	usage_operand("an endpoint", options->endpoint);
	for (int i = optind; i < argc; i++)
		if (!fs_name_valid_filesystem(argv[i]))
			die(EXIT_USAGE, "%s is not the name of a filesystem",
			    argv[i]);
}

/* What is to be printed, and has been said. */
struct output {
	struct buffer lines;		/* to be written */
	bool failed;			/* of some the versions are not known */
	char hint[ERROR_HINT_SIZE];	/* the endpoint's last one */
	char shown[ERROR_HINT_SIZE];	/* the last that was shown */
};

/* -1: it is too long, or there is no memory for it; nothing has been added. */
static int
add_line(struct output *output, const Listing *entry, struct error *error)
{
	const size_t before = buffer_length(&output->lines);

	if (pbjson_append(&output->lines, &entry->base, error) == 0 &&
	    buffer_append(&output->lines, "\n", 1) == 0 &&
	    buffer_length(&output->lines) - before <= LISTING_LINE_MAX)
		return (0);
	buffer_truncate(&output->lines, before);
	return (error_set(error, EXIT_FAILED, "its line would be longer than "
	    "%u MiB", LISTING_LINE_MAX >> 20));
}

static void
complain(struct output *output, const Listing *entry)
{
	output->failed = true;
	diag("%s: %s", entry->filesystem, entry->error->message);
	if (strcmp(output->hint, output->shown) != 0)
		diag(DIAG_HINT "%s", output->hint);
	strlcpy(output->shown, output->hint, sizeof(output->shown));
}

static int
add(struct output *output, const Listing *entry, struct error *error)
{
	ListingError why = LISTING_ERROR__INIT;
	Listing without = *entry;

	if (add_line(output, entry, error) == -1) {
		why.code = error->code;
		why.message = error->text;
		without.n_versions = 0;
		without.error = &why;
		if (add_line(output, &without, error) == -1)
			return (-1);
		complain(output, &without);
	} else if (entry->error != NULL)
		complain(output, entry);
	return (0);
}

/* All that is known, as long as it is written, too. */
static int
add_entries(struct output *output, struct lister *lister, struct error *error)
{
	Listing *entry;
	int result = 0;

	while (result == 0 && buffer_length(&output->lines) < OUTPUT_WAITS) {
		if (lister_next(lister, &entry, io_now(), error) == -1)
			return (-1);
		if (entry == NULL)
			return (0);
		result = add(output, entry, error);
		listing_entry_free(entry);
	}
	return (result);
}

/* Do everything that need not wait for the endpoint or our reader. */
static int
print(struct output *output, struct lister *lister, struct error *error)
{
	bool full;

	do {
		if (add_entries(output, lister, error) == -1)
			return (-1);
		full = buffer_length(&output->lines) >= OUTPUT_WAITS;
		if (io_print_ready(&output->lines, error) == -1)
			return (-1);
	} while (full && buffer_length(&output->lines) < OUTPUT_WAITS);
	return (0);
}

static int
take_replies(struct session *session, struct lister *lister,
    struct output *output, struct error *error)
{
	struct reply *reply;

	while ((reply = session_next(session)) != NULL) {
		if (reply->error.hint[0] != '\0')
			strlcpy(output->hint, reply->error.hint,
			    sizeof(output->hint));
		if (lister_take(lister, reply, io_now(), error) == -1)
			return (-1);
	}
	return (0);
}

/* One turn of the loop. */
static int
turn(struct session *session, struct lister *lister, struct output *output,
    struct error *error)
{
	struct pollfd entries[SESSION_ENTRIES + 1];
	int number;

	session_poll(session, entries);
	entries[SESSION_ENTRIES] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&output->lines) > 0 ? STDOUT_FILENO : -1 };
	io_poll(entries, SESSION_ENTRIES + 1, session_deadline(session));
	signals_take(SIGCHLD);
	number = signals_take_end();
	if (number != 0)
		return (error_set(error, EXIT_SIGNAL + (unsigned)number,
		    "ended by signal %d", number));
	session_handle(session, entries, io_now());
	if (take_replies(session, lister, output, error) == -1)
		return (-1);
	return (print(output, lister, error));
}

/* -1: there is no listing, or not all of it. */
static int
list(struct session *session, struct lister *lister, struct output *output,
    struct error *error)
{
	const char *name;
	size_t at = 0;

	if (lister_start(lister, io_now(), error) == -1)
		return (-1);
	while (!lister_done(lister) || buffer_length(&output->lines) > 0) {
		if (turn(session, lister, output, error) == -1)
			return (-1);
		if (lister_failure(lister) != NULL) {
			*error = lister_failure(lister)->error;
			return (-1);
		}
	}
	while ((name = lister_unmatched(lister, &at)) != NULL) {
		diag("%s: the endpoint has no such filesystem", name);
		output->failed = true;
	}
	error->code = output->failed ? EXIT_FAILED : EXIT_DONE;
	return (0);
}

int
main(int argc, char *argv[])
{
	struct options options;
	struct output output = {
	    .lines = BUFFER_EMPTY(OUTPUT_WAITS + LISTING_LINE_MAX) };
	struct session *session;
	struct lister *lister;
	struct error error;

	usage_begin("zr-list", usage, argc, argv);
	parse_options(&options, argc, argv);
	chain_clean_environment();
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	signals_catch_ends();
	session = session_new("endpoint", options.endpoint);
	lister = session == NULL ? NULL : lister_new(session, argv + optind,
	    (size_t)(argc - optind), options.call_ms);
	if (lister == NULL)
		die_errno("listing");
	if (list(session, lister, &output, &error) == -1)
		diag_error(&error);
	session_free(session);
	lister_free(lister);
	buffer_free(&output.lines);
	return ((int)error.code);
}
