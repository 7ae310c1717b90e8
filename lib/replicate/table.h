#ifndef ZR_TABLE_H
#define ZR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * The progress of a run, for a person: a line for each running step, one for the
 * filesystems that wait, one for each side that is out of reach, one with the totals.
 */
#define TABLE_MS	500		/* between two drawings */
#define TABLE_TEXT_MAX	(64u << 10)	/* bytes of one drawing */
#define TABLE_SIDES	2

struct table_step {
	const char *filesystem;
	const char *to;
	uint64_t bytes;			/* so far */
	uint64_t size;			/* an estimate of the whole; 0: unknown */
	int64_t ms;			/* since it began */
};

/* Nothing in it is owned. */
struct table {
	const struct table_step *steps;
	size_t step_count;
	size_t ready;			/* filesystems that wait for their turn, */
	size_t again;			/* to be tried again, */
	size_t completion;		/* for SendCompleted */
	const char *lost[TABLE_SIDES];	/* "sender", "receiver": out of reach; or NULL */
	size_t filesystems;
	size_t over;			/* of these */
	size_t steps_done;
	uint64_t bytes;			/* moved, of all steps */
	uint64_t size;			/* of all steps, an estimate */
	bool size_unknown;		/* of some steps: size is the least it can be */
	int64_t ms;			/* since the run began */
};

/*
 * Draw on the terminal fd from now on, and take the table off it before each diagnostic.
 * False: it is no terminal, and nothing will be drawn.
 */
bool	table_open(int fd);

/*
 * Draw it over the last one.  Never more lines than the terminal has, and none wider, so
 * that nothing wraps or scrolls.
 */
void	table_draw(const struct table *table);

/* Take it off the screen; the cursor is where it began. */
void	table_clear(void);

/* The same lines, complete, for any reader; -1 with errno as buffer_append(). */
int	table_print(struct buffer *out, const struct table *table);

#endif
