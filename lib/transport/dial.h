#ifndef ZR_DIAL_H
#define ZR_DIAL_H

#include <stdint.h>
#include <sys/types.h>

#include "transport/address.h"

/*
 * Connect.  Returns a blocking, close-on-exec socket, or -1 and *error with the address
 * and the reason.  For tcp every address of the name is tried in turn, each for its
 * share of the time until the deadline (ms, io.h), which does not end the look-up of
 * the name; the socket has TCP_NODELAY and keepalive.  For exec a socket pair, whose
 * other end is the command's standard input and output: a half-close reaches the
 * command, and it ends with us.  *pid is the command's process, or -1.
 */
int	dial(const struct address *address, int64_t deadline, pid_t *pid,
	    struct error *error);

/* Set the options of all our TCP connections: no delay, keepalive. */
void	dial_options(int fd);

#endif
