#ifndef ZR_METHOD_H
#define ZR_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

/*
 * The methods of the endpoint interface (zr-endpoint-interface(7)) and the
 * messages that go with them.
 */
enum method_kind {
	METHOD_UNARY,		/* a call on the control connection */
	METHOD_PING,		/* on either connection */
	METHOD_SEND,		/* on a data connection; a stream follows the answer */
	METHOD_RECEIVE		/* on a data connection; a stream follows the request */
};

struct method {
	const char *name;	/* "ListFilesystems" */
	enum method_kind kind;
	const char *path;	/* data connection: "/v1/send"; else NULL */
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *response;
};

/* NULL if no method has that name. */
const struct method *method_by_name(const char *name);

/* By the path on a data connection, length bytes; NULL if unknown. */
const struct method *method_by_path(const char *path, size_t length);

/*
 * The names of the methods of some kinds (1 << METHOD_UNARY | ...), for people:
 * "Ping, Send, Receive".  Returns text.
 */
#define METHOD_NAMES_SIZE 192
#define METHODS_OF_CONTROL (1u << METHOD_UNARY | 1u << METHOD_PING)
const char *method_names(unsigned int kinds, char text[METHOD_NAMES_SIZE]);

/* All methods, ended by one whose name is NULL. */
extern const struct method methods[];

/* Longest answer line of the endpoint interface, in bytes. */
#define METHOD_SEND_ANSWER_MAX	(64u << 10)
#define METHOD_ANSWER_MAX	(64u << 20)

#endif
