#ifndef ZR_RPC_TRANSLATE_H
#define ZR_RPC_TRANSLATE_H

#include "rpc/rpc_server.h"

/*
 * Translate between a client's messages and an endpoint's lines of JSON; both are checked
 * (request_check.h).
 */

/* The request as JSON text, to be free(3)d; NULL if it is not a valid one. */
char	*rpc_translate_request(const struct rpc_call *call, size_t *length,
	    struct error *error);

/*
 * Answer the call with the length bytes of JSON that the endpoint answered; -1 if they
 * are not a valid answer.
 */
int	rpc_translate_answer(struct rpc_server *server, struct rpc_call *call,
	    const char *answer, size_t length, struct error *error);

#endif
