#include <inttypes.h>
#include <stdio.h>

#include "watch/metrics.h"
#include "watch/run_print.h"

/* --- of a run --- */

static void
add_errors(struct metrics *metrics, const struct run_file *file)
{
	const char *const labels[] = { "zrepl_job", run_file_job(file), NULL };
	int64_t errors;

	if (run_filesystem_errors(file, &errors))
		metrics_integer(metrics, labels, errors);
}

static void
add_successful(struct metrics *metrics, const struct run_file *file)
{
	const char *const labels[] = { "zrepl_job", run_file_job(file), NULL };
	int64_t time;

	if (run_last_successful(file, &time))
		metrics_integer(metrics, labels, time);
}

/* --- of each filesystem in it --- */

enum number { REPLICATED, REMAINING, CREATION };

static bool
number_of(const struct run_filesystem *filesystem, enum number number,
    char text[24])
{
	uint64_t bytes = 0;
	bool known = true;

	switch (number) {
	case REPLICATED:
		bytes = run_filesystem_bytes(filesystem);
		break;
	case REMAINING:
		known = run_filesystem_remaining(filesystem, &bytes);
		break;
	case CREATION:
		snprintf(text, 24, "%" PRId64, filesystem->creation);
		return (filesystem->creation != EVENT_NO_TIME);
	}
	snprintf(text, 24, "%" PRIu64, bytes);
	return (known);
}

static void
add_numbers(struct metrics *metrics, const struct run_file *file,
    enum number number)
{
	char text[24];

	for (size_t i = 0; i < file->run.count; i++) {
		const struct run_filesystem *filesystem = file->run.filesystems[i];
		const char *const labels[] = { "zrepl_job", run_file_job(file),
		    "filesystem", filesystem->name, NULL };

		if (number_of(filesystem, number, text))
			metrics_sample(metrics, labels, text);
	}
}

static void
add_replicated(struct metrics *metrics, const struct run_file *file)
{
	add_numbers(metrics, file, REPLICATED);
}

static void
add_remaining(struct metrics *metrics, const struct run_file *file)
{
	add_numbers(metrics, file, REMAINING);
}

static void
add_creation(struct metrics *metrics, const struct run_file *file)
{
	add_numbers(metrics, file, CREATION);
}

/* --- all --- */

static const struct {
	const char *name;
	const char *help;
	void (*add)(struct metrics *metrics, const struct run_file *file);
} families[] = {
	/* Names of zrepl, which existing alerts use. */
	{ "zrepl_replication_filesystem_errors",
	    "How many filesystems failed in the last run, "
	    "-1 if it died or ended before it knew any.", add_errors },
	{ "zrepl_replication_last_successful",
	    "When the last run without a failure ended.", add_successful },
	{ "zrepl_replication_bytes_replicated",
	    "Bytes that the last run moved so far.", add_replicated },
	{ "zr_replication_bytes_remaining",
	    "Bytes that are still to be moved, an estimate.", add_remaining },
	{ "zr_replication_filesystem_last_replicated_timestamp_seconds",
	    "When the newest snapshot that both sides have was taken.",
	    add_creation }
};

int
run_print_metrics(struct buffer *out, const struct run_file files[],
    size_t count)
{
	struct metrics metrics = METRICS_TO(out);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		metrics_family(&metrics, families[i].name, families[i].help);
		for (size_t j = 0; j < count; j++)
			families[i].add(&metrics, &files[j]);
	}
	return (metrics_failed(&metrics) ? -1 : 0);
}
