#ifndef ZR_RUN_FILE_H
#define ZR_RUN_FILE_H

#include "base/buffer.h"
#include "watch/run.h"

/*
 * A run, from the file of its events, while it is being written or later.  A line
 * without a newline is one that is being written, or never was written completely: it
 * is passed over.
 */
enum run_state {
	RUN_RUNNING,
	RUN_DONE,		/* its exit status was 0 */
	RUN_FAILED,
	RUN_DIED		/* it has not said its end, and nobody writes the file */
};

const char *run_state_name(enum run_state state);

#define RUN_HEAD_BYTES 256

struct run_file {
	const char *path;
	const char *job;	/* its name, whatever the run says; NULL: what it says */
	int fd;
	struct run run;
	enum run_state state;
	size_t lines;		/* that have been taken */
	int64_t at;		/* bytes that have been read */
	struct buffer rest;	/* the beginning of a line */
	char head[RUN_HEAD_BYTES];	/* of the file: another one is another run's */
	size_t head_length;
};

/* -1: it cannot be opened, or is no file to be read again and again. */
int	run_file_open(struct run_file *file, const char *path, struct error *error);

/*
 * Read what is new.  on_line, unless NULL, is called after each event that has
 * something to say (run.said).  -1: a line is no event; the error has its number.
 */
int	run_file_update(struct run_file *file, void (*on_line)(const char *said),
	    struct error *error);

/* The name of the job; NULL: it has none. */
const char *run_file_job(const struct run_file *file);

void	run_file_close(struct run_file *file);

#endif
