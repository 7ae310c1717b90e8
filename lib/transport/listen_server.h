#ifndef ZR_LISTEN_SERVER_H
#define ZR_LISTEN_SERVER_H

#include <stdbool.h>

#include "base/error.h"
#include "transport/client_table.h"
#include "transport/identity_table.h"
#include "transport/listen_socket.h"

/*
 * Accept connections and run a program for each (client_program.h), within the caps
 * (client_table.h): zr-listen(1).
 */
struct listen_service {
	char *const *program;		/* NULL-terminated */
	struct identity_source identities;
	struct client_caps caps;
	bool verbose;			/* log each client's beginning and end */
};

struct listen_server;

/*
 * With the identities read.  service must outlive the server.  NULL and *error: a
 * mistake in the identities, or the system.
 */
struct listen_server *listen_server_new(const struct listen_service *service,
	    struct error *error);
void	listen_server_free(struct listen_server *server);

/*
 * Serve until SIGTERM or SIGINT: then close the sockets, send the same signal to the
 * programs that run, and wait for them.  SIGTERM means "finish", SIGINT "end now";
 * SIGHUP reads the identities again.  These and SIGCHLD must be caught
 * (signals.h).  Returns the exit code: 0, or 128+SIGINT.  A listening socket that
 * fails ends the program.
 */
int	listen_server_run(struct listen_server *server,
	    struct listen_sockets *sockets);

#endif
