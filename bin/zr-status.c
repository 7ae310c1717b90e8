/*
 * zr-status: what a run of zr-replicate does or has done, by its events.  The work is in
 * lib/watch.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "base/signals.h"
#include "base/utf8.h"
#include "watch/run_print.h"

static const char usage[] =
    "zr-status [-f | -j | -m] [-J JOB] EVENTS-FILE ...";

#define LOOK_MS TABLE_MS	/* between two looks at the file, with -f */

enum form { FORM_TEXT, FORM_FOLLOW, FORM_JSON, FORM_METRICS };

struct options {
	enum form form;
	const char *job;
};

static void
take_form(struct options *options, enum form form)
{
	if (options->form != FORM_TEXT && options->form != form)
		die(EXIT_USAGE, "-f, -j and -m exclude each other");
	options->form = form;
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .form = FORM_TEXT };
	while ((option = usage_getopt(usage, argc, argv, "+fhJ:jm")) != -1)
		switch (option) {
		case 'f':
			take_form(options, FORM_FOLLOW);
			break;
		case 'J':
			options->job = optarg;
			break;
		case 'j':
			take_form(options, FORM_JSON);
			break;
		case 'm':
			take_form(options, FORM_METRICS);
			break;
		}
	if (optind == argc)
		usage_die(usage);
	if (argc - optind > 1 && (options->form == FORM_FOLLOW ||
	    options->job != NULL))
		die(EXIT_USAGE, "-f and -J are for one file");
	if (options->job != NULL && (options->job[0] == '\0' ||
	    !utf8_valid(options->job, strlen(options->job))))
		die(EXIT_USAGE, "-J wants a name in UTF-8");
}

/* Is all well with it, so far? */
static bool
is_well(const struct run_file *file)
{
	return (file->state == RUN_DONE || (file->state == RUN_RUNNING &&
	    run_failures(&file->run) == 0));
}

/* --- -f --- */

static void
print_line(const char *said)
{
	struct buffer out = BUFFER_EMPTY(RUN_TEXT_MAX);
	const size_t size = 4 * strlen(said) + 2;
	char *line = malloc(size);
	size_t length;

	if (line == NULL)
		die_errno("a line");
	length = quote_line(line, size - 1, said, strlen(said));
	line[length++] = '\n';
	if (buffer_append(&out, line, length) == -1)
		die_errno("a line");
	print_or_die(&out);
	buffer_free(&out);
	free(line);
}

static void
draw(const struct run *run)
{
	struct table_step *steps;
	struct table table;

	if (run_table(run, io_time_of_day(), &table, &steps) == -1)
		die_errno("the table");
	table_draw(&table);
	free(steps);
}

/* Until the run has ended.  Returns the signal that ended us before, or 0. */
static int
follow(struct run_file *file)
{
	const bool on_terminal = table_open(STDOUT_FILENO);
	struct error error;
	int number;

	signals_catch_ends();
	for (;;) {
		if (run_file_update(file, on_terminal ? NULL : print_line,
		    &error) == -1)
			diag_die(&error);
		if (file->state != RUN_RUNNING)
			break;
		if (on_terminal && file->run.started)
			draw(&file->run);
		io_poll(NULL, 0, io_now() + LOOK_MS);
		number = signals_take_end();
		if (number != 0) {
			table_clear();
			return (number);
		}
	}
	table_clear();
	return (0);
}

/* --- once --- */

/* Two jobs of one name would be one in the metrics. */
static int
check_job(const struct run_file files[], size_t count, struct error *error)
{
	const struct run_file *last = &files[count - 1];
	const char *job = run_file_job(last);

	if (job == NULL)
		return (error_set(error, EXIT_USAGE, "%s: the run has no name: -J JOB",
		    last->path));
	for (size_t i = 0; i + 1 < count; i++)
		if (strcmp(run_file_job(&files[i]), job) == 0)
			return (error_set(error, EXIT_USAGE, "%s: %s has a run of the "
			    "same job, %s", last->path, files[i].path, job));
	return (0);
}

/* With -f, follow() reads it. */
static int
read_file(struct run_file *file, enum form form, struct error *error)
{
	return (form == FORM_FOLLOW ? 0 : run_file_update(file, NULL, error));
}

/* What can be read of them, from the first on; the others are reported in *code. */
static size_t
read_files(struct run_file files[], const struct options *options,
    char *const paths[], int *code)
{
	struct error error;
	size_t count = 0;

	for (; *paths != NULL; paths++) {
		if (run_file_open(&files[count], *paths, &error) == 0) {
			files[count].job = options->job;
			if (read_file(&files[count], options->form, &error) == 0 &&
			    (options->form != FORM_METRICS ||
			    check_job(files, count + 1, &error) == 0)) {
				count++;
				continue;
			}
			run_file_close(&files[count]);
		}
		diag_error(&error);
		if ((int)error.code > *code)
			*code = (int)error.code;
	}
	return (count);
}

static void
print(const struct run_file files[], size_t count, enum form form)
{
	struct buffer out = BUFFER_EMPTY(RUN_TEXT_MAX);
	int result = 0;

	if (form == FORM_METRICS)
		result = run_print_metrics(&out, files, count);
	for (size_t i = 0; i < count && result == 0 && form != FORM_METRICS; i++) {
		result = form == FORM_JSON ? run_print_json(&out, &files[i]) :
		    run_print_text(&out, &files[i], io_time_of_day());
		print_or_die(&out);
	}
	if (result == -1)
		die_errno("cannot print it");
	print_or_die(&out);
	buffer_free(&out);
}

int
main(int argc, char *argv[])
{
	int code = EXIT_DONE, number = 0;
	struct options options;
	struct run_file *files;
	size_t count;

	usage_begin("zr-status", usage, argc, argv);
	parse_options(&options, argc, argv);
	files = calloc((size_t)(argc - optind), sizeof(*files));
	if (files == NULL)
		die_errno("files");
	count = read_files(files, &options, argv + optind, &code);
	if (options.form == FORM_FOLLOW && count > 0)
		number = follow(&files[0]);
	if (number == 0 && count > 0)
		print(files, count, options.form);
	for (size_t i = 0; i < count; i++) {
		if ((options.form == FORM_TEXT || options.form == FORM_FOLLOW) &&
		    code == EXIT_DONE && !is_well(&files[i]))
			code = EXIT_FAILED;
		run_file_close(&files[i]);
	}
	free(files);
	return (number != 0 ? EXIT_SIGNAL + number : code);
}
