#ifndef ZR_DATACONN_SERVER_H
#define ZR_DATACONN_SERVER_H

#include "dataconn/dataconn.h"
#include "endpoint/progress.h"

/*
 * The server's half of one request on a data connection: zr-dataconn serve.  The request
 * goes to an endpoint command (endpoint.h); the endpoint's answer and stream go to the
 * client.  Its exit status decides whether both are good.
 */
struct dataconn_server {
	char *const *endpoint;	/* NULL-terminated */
	int64_t timeout_ms;	/* for the endpoint to stand still; 0: forever */
	struct progress *progress;
};

/*
 * One request, and the end of the connection.  0 if it was answered with success;
 * otherwise -1 and *error, and the client has been told if it could be.  No process of
 * the endpoint's is left that had to be ended.
 */
int	dataconn_server_run(struct dataconn *conn,
	    const struct dataconn_server *server, struct error *error);

#endif
