#ifndef ZR_BATCH_H
#define ZR_BATCH_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * The lines of the batch form (zr-endpoint-interface(7)), for the three that
 * speak it: zr-rpc batch, our endpoints, and zr-rpc serve in front of one.
 * Pure.
 */

/* {"id":..,"method":..,"request":{..}} or {"id":..,"cancel":true} */
struct batch_request {
	json_t *line;		/* owned; the others are parts of it */
	json_t *id;		/* NULL: there is none */
	const char *method;	/* NULL: there is none */
	json_t *request;	/* NULL: there is none, which means {} */
	bool cancel;
};

/* -1: it is no such line; id is still there if it could be read. */
int	batch_request_parse(struct batch_request *request, const char *text,
	    size_t length, struct error *error);
void	batch_request_free(struct batch_request *request);

/* Append such a line; request is JSON text. */
int	batch_write_request(struct buffer *out, const json_t *id,
	    const char *method, const char *request, size_t length,
	    struct error *error);
int	batch_write_cancel(struct buffer *out, const json_t *id,
	    struct error *error);

/* {"id":..,"response":..} or {"id":..,"error":{"code":..,"message":..}} */
struct batch_answer {
	json_t *line;		/* owned; the others are parts of it */
	json_t *id;
	json_t *response;	/* NULL: it is an error */
	int code;		/* exit_code.h; never EXIT_DONE */
	const char *status;	/* gRPC's, where there is one; NULL: there is none */
	const char *message;	/* never empty */
};

int	batch_answer_parse(struct batch_answer *answer, const char *text,
	    size_t length, struct error *error);
void	batch_answer_free(struct batch_answer *answer);

/* Append such a line; response is JSON text, id may be NULL, status too. */
int	batch_write_response(struct buffer *out, const json_t *id,
	    const char *response, size_t length, struct error *error);
int	batch_write_error(struct buffer *out, const json_t *id,
	    const char *status, const struct error *what, struct error *error);

#endif
