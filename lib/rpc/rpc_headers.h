#ifndef ZR_RPC_HEADERS_H
#define ZR_RPC_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "message/method.h"
#include "rpc/grpc_status.h"

/*
 * The header list of a request, as a server of the control connection (zr-protocol(7),
 * Control connection) reads it: one field at a time, and then a verdict.  Pure.
 */
#define RPC_HEADERS_MAX		65536	/* bytes of one header list, RFC 9113 6.5.2 */
#define RPC_FIELD_OVERHEAD	32	/* of each field, in that count */
#define RPC_FIELD_MAX		256	/* of a header that matters */

struct rpc_headers {
	size_t length;			/* as RPC_HEADERS_MAX counts it */
	bool complete;			/* fields from now on are trailers */
	char http_method[16];
	char path[RPC_FIELD_MAX];
	char content_type[RPC_FIELD_MAX];
	char encoding[RPC_FIELD_MAX];
	bool timeout_given;
	int64_t timeout;		/* ms; -1: invalid */
};

/* One more field; -1 if the list is now longer than RPC_HEADERS_MAX. */
int	rpc_headers_add(struct rpc_headers *headers, const uint8_t *name,
	    size_t name_length, const uint8_t *value, size_t value_length);

/*
 * If the call is valid: GRPC_OK, and *method.  Otherwise the status of its refusal, with
 * its text in *error and the HTTP status in *http_status.
 */
enum grpc_status rpc_headers_check(const struct rpc_headers *headers,
	    const struct method **method, const char **http_status,
	    struct error *error);

#endif
