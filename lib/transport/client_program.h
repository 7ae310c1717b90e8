#ifndef ZR_CLIENT_PROGRAM_H
#define ZR_CLIENT_PROGRAM_H

#include <sys/types.h>

#include "base/error.h"
#include "transport/identity.h"

/*
 * The program that zr-listen runs for one client.  It gets the connection on 0 and
 * 1, our standard error, and on CLIENT_PROGRAM_HANDSHAKE_FD a pipe to us: what
 * authenticates the client writes its identity there, and once no process holds the
 * pipe open the client is past its handshake (chain.h).
 */
#define CLIENT_PROGRAM_HANDSHAKE_FD 3

/*
 * Start argv for the client on the socket fd, which stays the caller's.  identity
 * goes to the environment; NULL: none.  Returns the process, and our end of the
 * pipe in *handshake (close-on-exec, the caller's to close); -1 and *error if the
 * system has no more pipes, processes or memory; 0 if the client has gone already.  A
 * program that cannot be executed is the process's exit status.
 */
pid_t	client_program_start(char *const argv[], int fd, const char *identity,
	    int *handshake, struct error *error);

enum client_program_news {
	CLIENT_PROGRAM_GREETED,		/* past its handshake */
	CLIENT_PROGRAM_IDENTITY,	/* now in identity */
	CLIENT_PROGRAM_NOTHING		/* not an identity: pass it over */
};

/* Read the pipe, which poll(2) says is readable. */
enum client_program_news client_program_read(int handshake,
	    char identity[IDENTITY_MAX + 1]);

#endif
