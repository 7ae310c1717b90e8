#ifndef ZR_VERDICT_H
#define ZR_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Is a stream complete (zr-endpoint-interface(7))?  The end of a pipe does not prove that
 * the stream in it is complete; the exit status of the process that wrote it does.  The
 * program that waits for that process (zr-step) passes the status on to the receiving
 * side: ZR_VERDICT=FD in its environment names a descriptor from which it reads one line:
 * "0" for a complete stream, or else the reason why it is not complete.  End of file is
 * not a verdict.  The receiving side reads it at the stream's end, and keeps no
 * snapshot unless it is "0".
 *
 * While the stream lasts it polls the descriptor, too; an early line is kept.  If the
 * descriptor ends without a line, the program that ran both sides was killed and nobody
 * waits for the stream: the stream, which may last for hours, is then given up.
 */
#define VERDICT_ENVIRONMENT "ZR_VERDICT"
#define VERDICT_TEXT_MAX 4096	/* bytes; a longer text is cut */
#define VERDICT_GRACE_MS 2000	/* for a killed sender to end its stream */

enum verdict_state {
	VERDICT_PENDING,
	VERDICT_COMPLETE,	/* the line "0" */
	VERDICT_INCOMPLETE	/* any other line: text is the reason */
};

struct verdict {
	int fd;			/* -1: nobody gives a verdict, or it was read */
	enum verdict_state state;
	bool abandoned;		/* it ended without a line */
	int64_t give_up_at;	/* private: VERDICT_GRACE_MS after that */
	size_t length;		/* of the text so far */
	char text[VERDICT_TEXT_MAX + 1];
};

/*
 * Take the descriptor that the environment names: it becomes ours and close-on-exec, the
 * variable is unset.  If it is not set, fd is -1 and the state VERDICT_COMPLETE: the
 * stream's end must do.  -1 if the variable names no open descriptor (EXIT_USAGE).
 */
int	verdict_open(struct verdict *verdict, struct error *error);

/*
 * For poll loops: call when verdict->fd is readable or hung up; does not
 * block then.  Once the state is not VERDICT_PENDING any more, fd is closed
 * and -1; on VERDICT_INCOMPLETE text is one line of valid UTF-8 of at least
 * two bytes.
 */
enum verdict_state verdict_read(struct verdict *verdict);

/*
 * The same without reading, for bytes from the descriptor, in any pieces; size 0 is its
 * end.  Call only while the state is VERDICT_PENDING.
 */
enum verdict_state verdict_feed(struct verdict *verdict, const char *bytes,
	    size_t size);

/*
 * While the stream lasts: the time at which it must be given up; IO_FOREVER until the
 * verdict is abandoned.  From that time on verdict_check() returns -1 with verdict->text
 * (EXIT_FAILED), before it 0.
 */
int64_t	verdict_deadline(const struct verdict *verdict);
int	verdict_check(const struct verdict *verdict, struct error *error);

/*
 * After the stream's end, for programs without a poll loop: wait for the verdict.  0 if
 * the stream is complete; -1 with the producer's text (EXIT_FAILED), or at the deadline
 * (EXIT_TIMEOUT; IO_FOREVER: none).
 */
int	verdict_wait(struct verdict *verdict, int64_t deadline,
	    struct error *error);

/* Close what is open. */
void	verdict_free(struct verdict *verdict);

/*
 * The other side, for a program that runs the receiving endpoint: open the pipe of its
 * ZR_VERDICT (side_pipe.h).  Returns our end or -1; closing it without verdict_give()
 * tells the endpoint that the stream is not whole.
 */
int	verdict_offer(struct error *error);

/*
 * Give the verdict and close *fd; does nothing if that is -1.  reason: why the stream is
 * not whole, at least two bytes (newlines become blanks); NULL if it is whole.  Does not
 * block.  An endpoint that has already ended needs no verdict.
 */
void	verdict_give(int *fd, const char *reason);

#endif
