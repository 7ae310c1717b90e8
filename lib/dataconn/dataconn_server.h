#ifndef ZR_DATACONN_SERVER_H
#define ZR_DATACONN_SERVER_H

#include "dataconn/dataconn.h"
#include "endpoint/progress.h"

/*
 * The server's half of one request on a data connection: zr-dataconn serve.
 * The request goes to an endpoint command (endpoint.h), its answer and its
 * stream to the client; what the endpoint's exit status says is the last
 * word on both.
 */
struct dataconn_server {
	char *const *endpoint;	/* NULL-terminated */
	int64_t timeout_ms;	/* the endpoint may stand still so long; 0: forever */
	struct progress *progress;
};

/*
 * One request, and the end of the connection.  0 when it was answered with
 * success; otherwise -1 and *error, which the client has been told as far as
 * it could be.  No process of the endpoint's is left that had to be ended.
 */
int	dataconn_server_run(struct dataconn *conn,
	    const struct dataconn_server *server, struct error *error);

#endif
