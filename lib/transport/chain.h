#ifndef ZR_CHAIN_H
#define ZR_CHAIN_H

#include <stdbool.h>

#include "base/error.h"

/*
 * The conventions by which our programs hand a connection on: zr-chain(7).
 * Client programs find the network on descriptors 6 (read) and 7 (write),
 * server programs on 0 and 1.
 */
struct chain {
	int read_fd;
	int write_fd;	/* may be a dup of, or equal to, read_fd */
};

#define CHAIN_UNSET ((struct chain){ .read_fd = -1, .write_fd = -1 })
#define CHAIN_CLIENT ((struct chain){ .read_fd = 6, .write_fd = 7 })
#define CHAIN_SERVER ((struct chain){ .read_fd = 0, .write_fd = 1 })

/* "R,W", the argument of -f; anything else ends the program (EXIT_USAGE). */
void	chain_option(struct chain *chain, const char *text);

/*
 * The word after a program's options: is it accept, or is it connect?  Anything else
 * ends the program (EXIT_USAGE).
 */
bool	chain_accepts(const char *usage, const char *word);

/* Use the descriptors of the role unless -f has set others. */
void	chain_default(struct chain *chain, struct chain role);

/* Are both open?  If not, the error says which is not, and that zr-connect opens them. */
int	chain_check(const struct chain *chain, struct error *error);

/*
 * Duplicate a connection of our own, of one or two descriptors, to the chain's
 * numbers, which stay open over exec; its own numbers close then.  It may have two
 * descriptors only if the chain has two.
 */
int	chain_adopt(const struct chain *chain, struct chain ours,
	    struct error *error);

/*
 * A loader's last step: restore blocking mode on both descriptors, the signals and
 * SIGPIPE's default action, then exec.  chain may be NULL.  Does not return: exits 127
 * if argv[0] is not found, 126 if it cannot be executed.
 */
void	chain_exec(const struct chain *chain, char *const argv[])
	    __attribute__((noreturn));

/*
 * Close ZR_HANDSHAKE_FD, by which zr-listen counts the clients that are not past their
 * handshake; the place is free once no process holds it open.  A value that is not a
 * descriptor's number ends the program (EXIT_USAGE).
 */
void	chain_leave_handshake(void);

/*
 * Tell zr-listen the client's identity through the same descriptor, for its limit on
 * one identity.  A pipe without a reader is no error; SIGPIPE is ignored.
 */
void	chain_tell_identity(const char *identity);

/*
 * Unset the variables that children must not see: ZR_LABEL, ZR_EXTENSIONS, LISTEN_*,
 * NOTIFY_SOCKET.
 */
void	chain_clean_environment(void);

#endif
