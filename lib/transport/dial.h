#ifndef ZR_DIAL_H
#define ZR_DIAL_H

#include <stdint.h>
#include <sys/types.h>

#include "transport/address.h"

/*
 * Connect.  Returns a blocking, close-on-exec socket, or -1 and *error: which
 * address, and why.  For tcp every address of the name is tried in turn, each
 * for its share of what is left until the deadline (ms, io.h), which does not
 * end the look-up; the socket has TCP_NODELAY and keepalive.  For exec a
 * socketpair whose other end is the command's standard input and output:
 * half-close reaches it, and it ends when we do; *pid says who it is (-1
 * otherwise).
 */
int	dial(const struct address *address, int64_t deadline, pid_t *pid,
	    struct error *error);

/* What every TCP connection of ours has: no delay, keepalive. */
void	dial_options(int fd);

#endif
