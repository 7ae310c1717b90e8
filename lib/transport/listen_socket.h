#ifndef ZR_LISTEN_SOCKET_H
#define ZR_LISTEN_SOCKET_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "transport/address.h"

/*
 * Listening sockets: our own, or those passed on by systemd.  All are non-blocking and
 * close-on-exec.
 */
#define LISTEN_SOCKETS_MAX 16

struct listen_sockets {
	int fds[LISTEN_SOCKETS_MAX];
	size_t count;
	char path[256];		/* of the unix socket that we made; "" if none */
	dev_t device;		/* of that socket, so that no other is removed */
	ino_t inode;
};

/*
 * Open one socket of our own.  tcp: without a host (or with "*") for both IPv6 and
 * IPv4; the first address of a name that works.  unix: a leftover socket file on which
 * no process listens is replaced; mode is its permissions.
 */
int	listen_sockets_open(struct listen_sockets *sockets,
	    const struct address *address, int backlog, mode_t mode,
	    struct error *error);

/* LISTEN_FDS, LISTEN_PID: those from descriptor 3 on.  Unsets the variables. */
int	listen_sockets_inherit(struct listen_sockets *sockets,
	    struct error *error);

/* The port of the first socket; 0 for a unix socket. */
unsigned int listen_sockets_port(const struct listen_sockets *sockets);

/* Close them and remove the file. */
void	listen_sockets_close(struct listen_sockets *sockets);

#endif
