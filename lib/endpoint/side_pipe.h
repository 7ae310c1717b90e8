#ifndef ZR_SIDE_PIPE_H
#define ZR_SIDE_PIPE_H

#include "base/error.h"

/*
 * A pipe beside an endpoint's standard input and output.  The endpoint finds its
 * end by a variable of its environment (verdict.h, progress.h):
 *
 *	ours = side_pipe_open(...);
 *	...				start the endpoint
 *	side_pipes_close();
 *
 * The endpoint's end has a number that a shell script can write behind < and >&:
 * one digit, and not 6 or 7, which are the network's.  Two such numbers are kept
 * until side_pipes_release(), /dev/null being open there in between.
 */
enum side_pipe {
	SIDE_PIPE_READ,		/* what the endpoint does with its end */
	SIDE_PIPE_WRITTEN
};

/*
 * Take the two numbers.  For a process that opens descriptors before it opens a side
 * pipe.  If no number of one digit is free, a longer one is taken.
 */
int	side_pipes_reserve(struct error *error);

/*
 * Open a pipe and name the endpoint's end in the environment.  Returns our end,
 * non-blocking and the caller's to close, or -1.
 */
int	side_pipe_open(enum side_pipe which, const char *variable,
	    struct error *error);

/* Close the endpoint's ends and unset the variables, even if it was not started. */
void	side_pipes_close(void);

/* Give the two numbers back, at the end of the work that needed them. */
void	side_pipes_release(void);

#endif
