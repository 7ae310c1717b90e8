/*
 * zr-list: what an endpoint has, a line for each filesystem.  The work is in
 * lib/plan/lister and lib/step/session.
 */
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

#define LINE_MAX_BYTES LISTING_LINE_MAX
#define CALL_SECONDS 600

struct options {
	const char *endpoint;
	int64_t call_ms;
};

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .call_ms = CALL_SECONDS * 1000 };
	while ((option = getopt(argc, argv, "+e:ht:")) != -1)
		switch (option) {
		case 'e':
			options->endpoint = optarg;
			break;
		case 'h':
			usage_help(usage);
		case 't':
			options->call_ms = 1000 * usage_number('t', "seconds",
			    optarg, 1, 86400);
			break;
		default:
			usage_die(usage);
		}
	if (options->endpoint == NULL)
		usage_die(usage);
	usage_operand("an endpoint", options->endpoint);
	for (int i = optind; i < argc; i++)
		if (!fs_name_valid_filesystem(argv[i]))
			die(EXIT_USAGE, "%s is not the name of a filesystem",
			    argv[i]);
}

static void
print(const Listing *entry)
{
	struct buffer line = BUFFER_EMPTY(LINE_MAX_BYTES);
	struct error error;

	if (pbjson_append(&line, &entry->base, &error) == -1 ||
	    (buffer_append(&line, "\n", 1) == -1 &&
	    error_errno(&error, "%s", entry->filesystem) == -1))
		diag_die(&error);
	if (io_write_all(STDOUT_FILENO, buffer_front(&line),
	    buffer_length(&line), IO_FOREVER, &error) == -1) {
		error_prefix(&error, "standard output");
		diag_die(&error);
	}
	buffer_free(&line);
}

/* Print all that is known; *failed: of some the versions are not. */
static int
print_entries(struct lister *lister, bool *failed, struct error *error)
{
	Listing *entry;

	while (lister_next(lister, &entry, io_now(), error) == 0) {
		if (entry == NULL)
			return (0);
		print(entry);
		if (entry->error != NULL) {
			diag("%s: %s", entry->filesystem, entry->error->message);
			*failed = true;
		}
		listing_entry_free(entry);
	}
	return (-1);
}

/* One turn of the loop. */
static int
turn(struct session *session, struct lister *lister, struct error *error)
{
	struct pollfd entries[SESSION_ENTRIES];
	struct reply *reply;
	int number;

	session_poll(session, entries);
	io_poll(entries, SESSION_ENTRIES, session_deadline(session));
	signals_take(SIGCHLD);
	number = signals_take_end();
	if (number != 0)
		return (error_set(error, EXIT_SIGNAL + (unsigned)number,
		    "ended by signal %d", number));
	session_handle(session, entries, io_now());
	while ((reply = session_next(session)) != NULL)
		if (lister_take(lister, reply, io_now(), error) == -1)
			return (-1);
	return (0);
}

/* -1: there is no listing, or not all of it. */
static int
list(struct session *session, struct lister *lister, struct error *error)
{
	bool failed = false;
	const char *name;
	size_t at = 0;

	if (lister_start(lister, io_now(), error) == -1)
		return (-1);
	while (!lister_done(lister) && lister_failure(lister) == NULL)
		if (turn(session, lister, error) == -1 ||
		    print_entries(lister, &failed, error) == -1)
			return (-1);
	if (lister_failure(lister) != NULL) {
		*error = lister_failure(lister)->error;
		return (-1);
	}
	while ((name = lister_unmatched(lister, &at)) != NULL) {
		diag("%s: the endpoint has no such filesystem", name);
		failed = true;
	}
	error->code = failed ? EXIT_FAILED : EXIT_DONE;
	return (0);
}

int
main(int argc, char *argv[])
{
	struct options options;
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
	if (list(session, lister, &error) == -1)
		diag_error(&error);
	session_free(session);
	lister_free(lister);
	return ((int)error.code);
}
