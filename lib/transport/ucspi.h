#ifndef ZR_UCSPI_H
#define ZR_UCSPI_H

#include "base/error.h"

/*
 * The environment that says who is at the two ends of a connection
 * (zr-chain(7)): PROTO, and TCPLOCALIP, TCPLOCALPORT, TCPREMOTEIP,
 * TCPREMOTEPORT for an Internet socket.  An IPv4 client of an IPv6 socket is
 * given as IPv4.
 */
#define UCSPI_ADDRESS_SIZE 80	/* "fe80::1%eth0" and its NUL */

/* Set all of it for a connected socket; variables of other kinds are unset. */
int	ucspi_export(int fd, struct error *error);

/* The peer's address alone: "" for a unix socket. */
int	ucspi_peer(int fd, char address[UCSPI_ADDRESS_SIZE], struct error *error);

#endif
