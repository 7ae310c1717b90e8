/*
 * zr-scrub: read every stream of an archive again.  The work is in lib/archive.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_scrub.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "format/rfc3339.h"
#include "message/json_text.h"
#include "replicate/amount.h"
#include "watch/age.h"

static const char usage[] =
    "zr-scrub [-jN] [-q | -v] [-r RATE] [-t TIME] DIRECTORY [FILESYSTEM ...]";

#define PROGRESS_MS	10000	/* between two lines of -v */
#define OUTPUT_MAX	8192	/* bytes of a line */

struct options {
	bool json, quiet, verbose;
	int64_t next_progress;
	struct archive_scrub scrub;
};

/* --- text --- */

static const char *const states[] = {
	[ARCHIVE_SCRUB_DAMAGED] = "damaged",
	[ARCHIVE_SCRUB_KNOWN] = "still-damaged",
	[ARCHIVE_SCRUB_MENDED] = "well-again",
	[ARCHIVE_SCRUB_UNREAD] = "unread"
};

static int
finding_text(struct buffer *out, const struct archive_scrub_finding *finding)
{
	static const char *const words[] = {
		[ARCHIVE_SCRUB_DAMAGED] = "damaged",
		[ARCHIVE_SCRUB_KNOWN] = "damaged, and not read again",
		[ARCHIVE_SCRUB_MENDED] = "no longer damaged",
		[ARCHIVE_SCRUB_UNREAD] = "not read"
	};

	/* The text may have bytes of a damaged stream. */
	if (quote_append(out, "%s%s%s: %s: %s", finding->filesystem,
	    finding->snapshot[0] == '\0' ? "" : "@", finding->snapshot,
	    words[finding->state], finding->text) == -1)
		return (-1);
	return (json_text_raw(out, "\n"));
}

static const char *
streams_text(char text[2 * AMOUNT_SIZE], uint64_t streams, uint64_t bytes)
{
	char amount[AMOUNT_SIZE];

	snprintf(text, 2 * AMOUNT_SIZE, "%" PRIu64 " stream%s (%s)", streams,
	    streams == 1 ? "" : "s", amount_of_bytes(amount, bytes));
	return (text);
}

static int
totals_text(struct buffer *out, const struct archive_scrub_totals *totals, bool is_pass)
{
	char line[OUTPUT_MAX], done[2 * AMOUNT_SIZE], left[2 * AMOUNT_SIZE],
	    began[RFC3339_SIZE], damaged[40] = "none", rest[OUTPUT_MAX / 2] = "",
	    unread[60] = "";

	rfc3339_format(began, totals->began);
	if (totals->damaged > 0)
		snprintf(damaged, sizeof(damaged), "%" PRIu64, totals->damaged);
	if (totals->unread > 0)
		snprintf(unread, sizeof(unread), ", %" PRIu64 " could not be read",
		    totals->unread);
	if (!totals->complete)
		snprintf(rest, sizeof(rest), "; %s %s left%s%s",
		    streams_text(left, totals->left_streams, totals->left_bytes),
		    totals->left_streams == 1 ? "is" : "are",
		    is_pass ? " of the pass that began at " : "", is_pass ? began : "");
	else if (is_pass)
		snprintf(rest, sizeof(rest), "; the pass that began at %s is complete",
		    began);
	snprintf(line, sizeof(line), "%s read, %s damaged%s%s\n",
	    streams_text(done, totals->streams, totals->bytes), damaged, unread, rest);
	return (json_text_raw(out, line));
}

/* --- JSON --- */

static int
finding_json(struct buffer *out, const struct archive_scrub_finding *finding)
{
	char text[OUTPUT_MAX / 4];

	snprintf(text, sizeof(text), "%s", finding->text);
	utf8_sanitize(text, text, strlen(text));
	if (json_text_member(out, "state", states[finding->state]) == -1 ||
	    json_text_member(out, "filesystem", finding->filesystem) == -1)
		return (-1);
	if (finding->snapshot[0] != '\0' &&
	    json_text_member(out, "snapshot", finding->snapshot) == -1)
		return (-1);
	if (finding->guid != 0 && json_text_uint64_member(out, "guid", finding->guid) == -1)
		return (-1);
	if (finding->has_place && (json_text_uint64_member(out, "from", finding->from) == -1 ||
	    json_text_uint64_member(out, "to", finding->to) == -1))
		return (-1);
	if (finding->has_object && json_text_uint64_member(out, "object", finding->object) == -1)
		return (-1);
	if (json_text_member(out, "text", text) == -1)
		return (-1);
	return (json_text_raw(out, "}\n"));
}

static int
totals_json(struct buffer *out, const struct archive_scrub_totals *totals)
{
	char began[RFC3339_SIZE];

	rfc3339_format(began, totals->began);
	if (json_text_member(out, "began", began) == -1 ||
	    json_text_raw_member(out, "complete", totals->complete ? "true" :
	    "false") == -1 ||
	    json_text_uint64_member(out, "streams", totals->streams) == -1 ||
	    json_text_uint64_member(out, "bytes", totals->bytes) == -1 ||
	    json_text_uint64_member(out, "damaged", totals->damaged) == -1 ||
	    json_text_uint64_member(out, "unread", totals->unread) == -1)
		return (-1);
	if (!totals->complete &&
	    (json_text_uint64_member(out, "left_streams", totals->left_streams) == -1 ||
	    json_text_uint64_member(out, "left_bytes", totals->left_bytes) == -1))
		return (-1);
	return (json_text_raw(out, "}\n"));
}

/* --- as it goes --- */

static int
on_finding(void *context, const struct archive_scrub_finding *finding,
    struct error *error)
{
	struct options *options = context;
	struct buffer out = BUFFER_EMPTY(OUTPUT_MAX);
	int result;

	result = options->json ? finding_json(&out, finding) :
	    finding_text(&out, finding);
	if (result == -1)
		error_errno(error, "a line of output");
	else
		result = io_print(&out, error);
	buffer_free(&out);
	return (result);
}

static void
on_progress(void *context, const struct archive_scrub_totals *totals)
{
	struct options *options = context;
	char done[2 * AMOUNT_SIZE], left[2 * AMOUNT_SIZE];

	if (!options->verbose || io_now() < options->next_progress)
		return;
	diag("%s read, %" PRIu64 " damaged; %s left",
	    streams_text(done, totals->streams, totals->bytes), totals->damaged,
	    streams_text(left, totals->left_streams, totals->left_bytes));
	options->next_progress = io_now() + PROGRESS_MS;
}

static void
print_totals(const struct options *options, const struct archive_scrub_totals *totals)
{
	struct buffer out = BUFFER_EMPTY(OUTPUT_MAX);
	int result;

	if (options->quiet && totals->damaged == 0 && totals->unread == 0)
		return;
	result = options->json ? totals_json(&out, totals) :
	    totals_text(&out, totals, options->scrub.filesystems == NULL);
	if (result == -1)
		die_errno("a line of output");
	print_or_die(&out);
	buffer_free(&out);
}

/* --- options --- */

static void
parse_options(struct options *options, int argc, char *argv[])
{
	struct archive_scrub *scrub = &options->scrub;
	struct error error;
	int64_t seconds;
	int option;

	while ((option = usage_getopt(usage, argc, argv, "+hjNqr:t:v")) != -1)
		switch (option) {
		case 'j':
			options->json = true;
			break;
		case 'N':
			scrub->anew = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'r':
			if (rate_parse(&scrub->rate, optarg, &error) == -1)
				diag_die(&error);
			break;
		case 't':
			if (!age_parse(&seconds, optarg))
				die(EXIT_USAGE, "-t wants a number and one of s m h d w, "
				    "not %s", optarg);
			scrub->time_ms = seconds * 1000;
			break;
		case 'v':
			options->verbose = true;
			break;
		}
	if (optind == argc)
		usage_die(usage);
	if (options->quiet && options->verbose)
		die(EXIT_USAGE, "-q and -v exclude each other");
	if (argc - optind > 1)
		scrub->filesystems = argv + optind + 1;
	if (scrub->filesystems != NULL && scrub->anew)
		die(EXIT_USAGE, "-N has no effect beside a FILESYSTEM, which is read in "
		    "one run");
}

int
main(int argc, char *argv[])
{
	struct options options = { .scrub = { .rate = RATE_UNLIMITED,
	    .time_ms = IO_FOREVER, .on_finding = on_finding,
	    .on_progress = on_progress, .context = &options } };
	struct archive_scrub_totals totals;
	struct error error;
	int root;

	usage_begin("zr-scrub", usage, argc, argv);
	parse_options(&options, argc, argv);
	umask(077);
	root = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		die_errno("%s", argv[optind]);
	signals_catch_ends();
	if (archive_scrub(root, &options.scrub, &totals, &error) == -1) {
		error_prefix(&error, "%s", argv[optind]);
		diag_die(&error);
	}
	close(root);
	print_totals(&options, &totals);
	if (totals.damaged > 0)
		return (EXIT_FAILED);
	return (totals.unread > 0 ? EXIT_SYSTEM : EXIT_DONE);
}
