#ifndef ZR_DATACONN_CLIENT_H
#define ZR_DATACONN_CLIENT_H

#include "dataconn/dataconn.h"
#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "message/method.h"

/*
 * The client's half of one request on a data connection: zr-dataconn Ping,
 * Send and Receive.
 */
struct dataconn_client {
	const struct method *method;
	const ProtobufCMessage *request;
	int answer;	/* the answer line goes here */
	int stream;	/* Send: written here; Receive: read from here */
	struct verdict *verdict;	/* Receive: the producer's last word */
	struct progress *progress;
};

/*
 * From the request to the answer, and the end of the connection.  Returns 0 when all of
 * it succeeded: for Send the stream is whole and written, for Receive the receiver says
 * so.  Otherwise -1 and *error: EXIT_FAILED if the peer or the producer reports a
 * failure, another code if the connection failed.
 */
int	dataconn_client_run(struct dataconn *conn,
	    const struct dataconn_client *client, struct error *error);

#endif
