#ifndef ZR_RUN_FILESYSTEM_H
#define ZR_RUN_FILESYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "replicate/event.h"

/* A filesystem in a run (run.h). */
enum run_filesystem_state {
	RUN_FILESYSTEM_READY,		/* planned; its next step has not begun */
	RUN_FILESYSTEM_STEP,		/* a step is running */
	RUN_FILESYSTEM_AGAIN,		/* a step has failed and is to be tried again */
	RUN_FILESYSTEM_GOOD,		/* over: all is there */
	RUN_FILESYSTEM_FAILED,
	RUN_FILESYSTEM_INTERRUPTED
};

/* A size that is known, of a step that is not done. */
struct run_size {
	char *to;
	uint64_t bytes;
};

#define RUN_SIZES_MAX	10000		/* of a filesystem; more are not kept */

struct run_filesystem {
	char *name;
	enum run_filesystem_state state;
	uint64_t planned;		/* steps */
	uint64_t done;			/* of these */
	uint64_t bytes;			/* moved, without the running step */
	char *to;			/* of the running step, or NULL */
	int64_t step_began;
	uint64_t step_bytes;
	int64_t creation;		/* of the newest common snapshot, or EVENT_NO_TIME */
	char *message;			/* why it has failed, or NULL */
	struct run_size *sizes;
	size_t size_count;
};

/* NULL: out of memory (EXIT_SYSTEM), or the name contains a NUL (EXIT_USAGE). */
struct run_filesystem *run_filesystem_new(const struct json_slice *name,
	    struct error *error);
void	run_filesystem_free(struct run_filesystem *filesystem);

/* The size of a step; -1 as above. */
int	run_filesystem_keep_size(struct run_filesystem *filesystem,
	    const struct event *event, struct error *error);

/* 0: it is not known, or no step is running. */
uint64_t run_filesystem_step_size(const struct run_filesystem *filesystem);

/* No step is running any more; what was moved of it stays moved, done or not. */
void	run_filesystem_leave_step(struct run_filesystem *filesystem, bool done);

/* Bytes that are still to be moved; false: at least these, more is not known. */
bool	run_filesystem_remaining(const struct run_filesystem *filesystem,
	    uint64_t *bytes);

/* Bytes that have been moved. */
uint64_t run_filesystem_bytes(const struct run_filesystem *filesystem);

/* A sum that stays at UINT64_MAX once it would be larger. */
void	run_add(uint64_t *sum, uint64_t number);

/* A text of an event, or NULL, in place of what was there; -1 as above. */
int	run_replace(char **place, const struct json_slice *text,
	    struct error *error);

#endif
