#ifndef ZR_ENDPOINT_METHOD_H
#define ZR_ENDPOINT_METHOD_H

#include <protobuf-c/protobuf-c.h>

#include "error.h"

/*
 * What a program of ours does to be an endpoint (zr-endpoint-interface(7)):
 * a table of methods, each of which takes the request and answers with
 * request_answer() (request.h).
 */
struct endpoint_method {
	const char *name;
	int (*handle)(void *context, const ProtobufCMessage *request,
	    struct error *error);
};

/*
 * Read the request of a method (from operand, or from standard input where
 * that is NULL) and handle it.  methods ends with a NULL name.  -1 with
 * EXIT_USAGE for a method that is not there.
 */
int	endpoint_method_run(const struct endpoint_method methods[],
	    void *context, const char *name, const char *operand,
	    struct error *error);

#endif
