/*
 * zr-streamsum: a digest of a snapshot, from a send stream of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/utf8.h"
#include "streamsum/stream_digest.h"
#include "streamsum/sum_check.h"
#include "streamsum/sum_line.h"

#define CHUNK (256u << 10)

static const char usage[] = "zr-streamsum [-jv] [-c FILE]";

struct run {
	bool json, parts, begun;
	struct sum_check *check;	/* NULL: print */
	struct stream_digest *digest;
	struct buffer out;
	const char *snapshot;
};

static int
take_line(struct run *run, const struct sum_line *line, struct error *error)
{
	int status;

	if (run->check != NULL)
		return (sum_check_line(run->check, line, error));
	if (line->is_part && !run->parts)
		return (0);
	status = run->json ? sum_line_append_json(&run->out, line, run->snapshot) :
	    sum_line_append(&run->out, line);
	if (status == -1)
		return (error_errno(error, "a line of output"));
	if (buffer_length(&run->out) > CHUNK)
		print_or_die(&run->out);
	return (0);
}

static int
take_part(void *context, const struct stream_part *part, struct error *error)
{
	struct run *run = context;
	struct stream_sum sum;

	if (run->check != NULL && !run->begun) {
		stream_digest_begun(run->digest, &sum);
		if (sum_check_begin(run->check, &sum, error) == -1)
			return (-1);
	}
	run->begun = true;
	return (take_line(run, &(struct sum_line){ .is_part = true,
	    .of.part = *part }, error));
}

/* All of standard input. */
static void
digest_input(struct stream_digest *digest, struct stream_sum *sum)
{
	static uint8_t chunk[CHUNK];
	struct error error;
	ssize_t got;

	while ((got = io_read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
		if (stream_digest_feed(digest, chunk, (size_t)got, &error) == -1)
			diag_die(&error);
	if (got == -1)
		die_errno("standard input");
	if (stream_digest_finish(digest, sum, &error) == -1)
		diag_die(&error);
}

static void
sum_input(struct run *run)
{
	struct stream_digest *digest = stream_digest_new(take_part, run);
	struct sum_line line = { .is_part = false };
	char name[1024];
	struct error error;

	if (digest == NULL)
		die_errno("a digest");
	run->digest = digest;
	digest_input(digest, &line.of.sum);
	snprintf(name, sizeof(name), "%s", stream_digest_name(digest));
	run->snapshot = name;
	if (take_line(run, &line, &error) == -1)
		diag_die(&error);
	stream_digest_free(digest);
}

int
main(int argc, char *argv[])
{
	struct run run = { .out = BUFFER_EMPTY(CHUNK + 8192) };
	const char *file = NULL;
	int option, fd;

	usage_begin("zr-streamsum", usage, argc, argv);
	while ((option = usage_getopt(usage, argc, argv, "+c:hjv")) != -1) {
		switch (option) {
		case 'c': file = optarg; break;
		case 'j': run.json = true; break;
		case 'v': run.parts = true; break;
		}
	}
	if (optind != argc)
		usage_die(usage);
	if (file != NULL && (run.json || run.parts))
		die(EXIT_USAGE, "-j and -v have no effect beside -c: the file says what "
		    "is compared");
	if (isatty(STDIN_FILENO) == 1)
		die(EXIT_USAGE, "standard input is a terminal: zfs send SNAPSHOT | "
		    "zr-streamsum");
	if (file != NULL) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			die_errno("%s", file);
		run.check = sum_check_new(fd, file);
		if (run.check == NULL)
			die_errno("%s", file);
	}
	sum_input(&run);
	print_or_die(&run.out);
	buffer_free(&run.out);
	sum_check_free(run.check);
	return (EXIT_DONE);
}
