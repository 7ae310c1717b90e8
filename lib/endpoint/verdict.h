#ifndef ZR_VERDICT_H
#define ZR_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The producer's last word on a stream (zr-endpoint-interface(7)).  The end
 * of a pipe does not prove that the stream in it is complete: the exit
 * status of the process that wrote it does.  Whoever waits for that process
 * (zr-step) passes the status on to the receiving side: ZR_VERDICT=FD in its
 * environment names a descriptor that will give one line, "0" for a complete
 * stream, any other text for why it is not; end of file is no verdict.  The
 * receiving side judges it at the stream's end, and keeps nothing without a good
 * one.
 *
 * While the stream lasts it polls the descriptor, too.  A line that comes early is
 * kept.  Its end without a line means that nobody is left who waits for the stream
 * (whoever ran both sides was killed): the stream, which may last for hours, is then
 * given up.
 */
#define VERDICT_ENVIRONMENT "ZR_VERDICT"
#define VERDICT_TEXT_MAX 4096	/* bytes; what is longer is cut */
#define VERDICT_GRACE_MS 2000	/* a sender that was killed too ends its stream by then */

enum verdict_state {
	VERDICT_PENDING,
	VERDICT_COMPLETE,	/* the line "0" */
	VERDICT_INCOMPLETE	/* anything else: text says why */
};

struct verdict {
	int fd;			/* -1: nobody gives a verdict, or it is in */
	enum verdict_state state;
	bool abandoned;		/* it came to its end without a line */
	int64_t give_up_at;	/* private: then, the end of its grace */
	size_t length;		/* of what came so far */
	char text[VERDICT_TEXT_MAX + 1];
};

/*
 * Take the descriptor that the environment names: it becomes ours and
 * close-on-exec, the variable is unset.  Where the variable is not set, fd
 * is -1 and the state VERDICT_COMPLETE: the stream's end is all there will
 * be.  -1 if the variable names no open descriptor (EXIT_USAGE).
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
 * The part of it that reads nothing: what came from the descriptor, in whatever
 * pieces; size 0: its end.  Only while the state is VERDICT_PENDING.
 */
enum verdict_state verdict_feed(struct verdict *verdict, const char *bytes,
	    size_t size);

/*
 * While the stream goes on: the time at which it is to be given up, IO_FOREVER until
 * the verdict is abandoned.  From that time on verdict_check() returns -1 with
 * verdict->text (EXIT_FAILED), before it 0.
 */
int64_t	verdict_deadline(const struct verdict *verdict);
int	verdict_check(const struct verdict *verdict, struct error *error);

/*
 * For everybody else, after the stream's end: wait for the verdict.  0 if
 * the stream is complete; -1 with the producer's text (EXIT_FAILED), or at
 * the deadline (EXIT_TIMEOUT; IO_FOREVER: the producer may take its time).
 */
int	verdict_wait(struct verdict *verdict, int64_t deadline,
	    struct error *error);

/* Close what is open. */
void	verdict_free(struct verdict *verdict);

/*
 * The other side, for whoever runs the receiving endpoint: open the pipe of its
 * ZR_VERDICT (side_pipe.h).  Returns our end or -1; closing it without
 * verdict_give() tells the endpoint that the stream is not whole.
 */
int	verdict_offer(struct error *error);

/*
 * Give the verdict and close *fd; does nothing where it is -1.  reason is why the
 * stream is not whole, in at least two bytes (newlines become blanks); NULL if it
 * is.  Does not block.  An endpoint that has ended already needs no verdict.
 */
void	verdict_give(int *fd, const char *reason);

#endif
