#ifndef ZR_ADDRESS_H
#define ZR_ADDRESS_H

#include "base/error.h"

/*
 * The address to connect to, or to listen on: zr-connect(1), zr-listen(1).
 *
 *	tcp:HOST:PORT	HOST is a name, an IPv4 address, or an IPv6 address in
 *			brackets, with its zone after %; PORT is a number, 0 to
 *			65535, or the name of a service, which contains a letter
 *	unix:PATH
 *	exec:COMMAND	for sh -c
 *
 * Pure: nothing is looked up.
 */
#define ADDRESS_PORT_MAX 65535

enum address_kind {
	ADDRESS_TCP,
	ADDRESS_UNIX,
	ADDRESS_EXEC
};

struct address {
	enum address_kind kind;
	char host[256];		/* tcp: without brackets; "" or "*": any */
	char port[32];
	int port_number;	/* -1: port names a service */
	char path[4096];	/* unix: the path; exec: the command */
};

/* -1 with EXIT_USAGE and the mistake. */
int	address_parse(struct address *address, const char *text,
	    struct error *error);

#endif
