#ifndef ZR_TLS_ENGINE_H
#define ZR_TLS_ENGINE_H

#include "base/error.h"
#include "base/process.h"
#include "tls/tls_connection.h"

/*
 * The pump between a TLS connection and the child that is the rest of the
 * command line, which talks plaintext on a socket.
 *
 * Each direction ends by itself: the child's half-close becomes close_notify and then
 * a FIN; the peer's close_notify or FIN becomes the child's end of file.  The child
 * sees a connection that was cut off as an end of file too, and its protocol knows
 * whether one was due; if the child then fails, the engine says why the connection
 * ended.
 *
 * The end waits for the peer's, within limits: a close(2) before that could cause a reset,
 * which takes back bytes that the peer has not read yet.  A client whose child has ended
 * well, with at most a segment undelivered, does not wait once the server has sent
 * something: the client is accepted.
 */
#define TLS_ENGINE_FLUSH_MS 10000	/* the rest: the peer's pace.h window, */
#define TLS_ENGINE_LINGER_MS 2000	/* and once the kernel has it all */

/*
 * Pump until the child has ended and its output is delivered; SIGTERM, SIGINT and
 * SIGHUP are passed on to the child.  local and the network's descriptors are
 * non-blocking.  Returns the child's exit code, or 98 if TLS failed and the child
 * failed after that.
 */
int	tls_engine_run(struct tls_connection *connection,
	    const struct chain *network, int local, struct process *child);

#endif
