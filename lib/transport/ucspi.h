#ifndef ZR_UCSPI_H
#define ZR_UCSPI_H

#include <stdbool.h>

#include "base/error.h"

/*
 * The environment that describes the two ends of a connection (zr-chain(7)): PROTO,
 * and for an Internet socket TCPLOCALIP, TCPLOCALPORT, TCPREMOTEIP and TCPREMOTEPORT.
 * The address of an IPv4 client of an IPv6 socket is given as IPv4.
 */
#define UCSPI_ADDRESS_SIZE 80	/* "fe80::1%eth0" and its NUL */

/* Set the variables for a connected socket; those of other kinds are unset. */
int	ucspi_export(int fd, struct error *error);

/*
 * The same for the environment of a child: lines "NAME=VALUE", whose number is returned,
 * or -1 with *error and errno.  ucspi_describes(): is a line of an environment one of
 * these, or of what is unset, so that a child does not get it from us?
 */
#define UCSPI_LINES 5
#define UCSPI_LINE_SIZE (UCSPI_ADDRESS_SIZE + 16)

int	ucspi_lines(int fd, char lines[UCSPI_LINES][UCSPI_LINE_SIZE],
	    struct error *error);
bool	ucspi_describes(const char *line);

/* Only the peer's address: "" for a unix socket. */
int	ucspi_peer(int fd, char address[UCSPI_ADDRESS_SIZE], struct error *error);

#endif
