#ifndef ZR_PROCESS_H
#define ZR_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Child processes.  Every descriptor that we open is close-on-exec.  A child gets 0, 1
 * and 2 as described here, and the descriptors that we ourselves inherited.
 */
#define PROCESS_INHERIT	(-1)	/* the same descriptor as ours */
#define PROCESS_PIPE	(-2)	/* a new pipe; our end is returned */
#define PROCESS_NULL	(-3)	/* /dev/null */

struct process {
	pid_t pid;		/* -1: none, or already waited for */
	bool group;		/* leads a process group of its own */
	int input;		/* our ends of the pipes, close-on-exec; */
	int output;		/* -1: no pipe; the caller closes */
	int errors;
};

#define PROCESS_NONE \
	((struct process){ .pid = -1, .input = -1, .output = -1, .errors = -1 })

/*
 * Run argv (by PATH).  Its 0, 1 and 2 are each a descriptor of ours (which the caller
 * still closes) or one of the constants above.  group: in a process group of its own.
 * Our pipe ends are non-blocking.  A command that cannot be executed is an error here
 * (126, 127), not an exit status later.
 */
int	process_start(struct process *process, char *const argv[], int input,
	    int output, int errors, bool group, struct error *error);

/*
 * The exit code in the sense of exit_code.h: the status itself, or 128+N.
 */
int	process_exit_code(int wait_status);

/*
 * The signal that such a code stands for, or 0.  255, ssh(1)'s own, is an ordinary
 * status.
 */
int	process_code_signal(int exit_code);

/* Wait (blocking) and return process_exit_code(); pid becomes -1. */
int	process_wait(struct process *process);

/*
 * True if it has ended.  This does not wait(2) for it, so that its number is not
 * reused and a signal to its group cannot reach another process.
 */
bool	process_has_ended(const struct process *process);

/* Send a signal to its group, or to it alone; does nothing if it was waited for. */
void	process_signal(const struct process *process, int signal_number);

/* Close input, output and errors, if open. */
void	process_close(struct process *process);

#endif
