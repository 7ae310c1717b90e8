#ifndef ZR_RUN_H
#define ZR_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "replicate/table.h"
#include "watch/run_filesystem.h"

/*
 * What the events of a run tell (zr-replicate(1)), event by event.  Pure: lines go in.
 * Start with RUN_EMPTY.
 */
struct run {
	bool started;			/* there was an event */
	bool listed;			/* both sides have been listed */
	bool ended;			/* there was a summary */
	bool dry_run;
	char *job;			/* or NULL */
	uint64_t pid;			/* or EVENT_NO_NUMBER */
	int64_t began;
	int64_t at;			/* the time of the last event */
	int64_t last_successful;	/* of earlier runs, or EVENT_NO_TIME */
	uint64_t code;			/* the exit status, once it has ended */
	char *message;			/* of the summary, or NULL */
	struct run_filesystem **filesystems;	/* in the order in which they appear */
	size_t count;
	size_t room;
	void *index;			/* of these by name, as tsearch(3) keeps it */
	char *said;			/* of the last event, for a person; or NULL */
};

#define RUN_EMPTY ((struct run){ .pid = EVENT_NO_NUMBER, \
	.last_successful = EVENT_NO_TIME })

/*
 * The next line, without its newline.  -1: it is no event, or not the first of a run
 * where that must be (EXIT_USAGE); out of memory (EXIT_SYSTEM).
 */
int	run_take(struct run *run, const char *line, size_t length,
	    struct error *error);

/* How many filesystems have failed or were interrupted, so far. */
size_t	run_failures(const struct run *run);

/*
 * What is shown of it at that time.  It points into the run and to *steps, which the
 * caller frees.  -1 with errno: out of memory.
 */
int	run_table(const struct run *run, int64_t now, struct table *table,
	    struct table_step **steps);

/* It is RUN_EMPTY afterwards. */
void	run_free(struct run *run);

#endif
