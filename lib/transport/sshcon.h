#ifndef ZR_SSHCON_H
#define ZR_SSHCON_H

#include <stdint.h>

#include "base/error.h"
#include "transport/chain.h"

/*
 * The greeting inside an ssh session, before the version handshake: zr-protocol(7),
 * Transport, ssh.  No function reads beyond the greeting.  Deadlines as in io.h.
 */
#define SSHCON_BANNER_SIZE 31		/* each, padded with NULs */

extern const char sshcon_hello[SSHCON_BANNER_SIZE];
extern const char sshcon_begin[SSHCON_BANNER_SIZE];
extern const char sshcon_proxy_error[SSHCON_BANNER_SIZE];

/* Client: wait for the server's greeting, answer it. */
int	sshcon_connect(const struct chain *chain, int64_t deadline,
	    struct error *error);

/* Server: greet, wait for the answer. */
int	sshcon_accept(const struct chain *chain, int64_t deadline,
	    struct error *error);

/* Server: tell the client that it will not be served. */
int	sshcon_refuse(const struct chain *chain, int64_t deadline,
	    struct error *error);

/* Did the server send the greeting; did the client answer ours?  Pure. */
int	sshcon_check_server(const char banner[SSHCON_BANNER_SIZE],
	    struct error *error);
int	sshcon_check_client(const char banner[SSHCON_BANNER_SIZE],
	    struct error *error);

#endif
