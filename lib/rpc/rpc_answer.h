#ifndef ZR_RPC_ANSWER_H
#define ZR_RPC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "rpc/grpc_status.h"

/*
 * The headers and trailers of an answer, as a client of the control connection
 * (zr-protocol(7), Control connection) reads them.  Pure.  Begin with zeroes.
 */
struct rpc_answer {
	size_t length;			/* as RPC_HEADERS_MAX counts it */
	bool complete;			/* fields from now on are trailers */
	bool is_grpc;
	bool status_given;
	unsigned http_status;
	enum grpc_status status;
	char text[GRPC_MESSAGE_ENCODED_MAX + 1];	/* grpc-message, decoded */
};

/* One more field; -1 if the list is now longer than RPC_HEADERS_MAX. */
int	rpc_answer_add(struct rpc_answer *answer, const uint8_t *name,
	    size_t name_length, const uint8_t *value, size_t value_length);

/*
 * A header list has ended: does a gRPC answer follow?  Otherwise the status
 * that the call ends with, and its error (EXIT_PROTOCOL).
 */
enum grpc_status rpc_answer_check(struct rpc_answer *answer,
	    struct error *error);

/*
 * The stream has ended in order: the status that the call ends with, and its
 * error unless that is GRPC_OK.
 */
enum grpc_status rpc_answer_end(const struct rpc_answer *answer,
	    bool message_complete, struct error *error);

#endif
