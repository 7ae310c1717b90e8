#ifndef ZR_BATCH_H
#define ZR_BATCH_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "message/json_scan.h"
#include "message/method.h"

/*
 * The lines of the batch form (zr-endpoint-interface(7)), for the three that
 * speak it: zr-rpc batch, our endpoints, and zr-rpc serve in front of one.
 * Pure.  The slices of a line that was parsed are parts of its text.
 */
#define BATCH_METHOD_MAX 64	/* with its NUL; no method's name is longer */

/* {"id":..,"method":..,"request":{..}} or {"id":..,"cancel":true} */
struct batch_request {
	struct json_slice id;		/* any JSON; length 0: the line has no id */
	char method[BATCH_METHOD_MAX];	/* "": missing, or not a string */
	struct json_slice request;	/* {} if the line has none */
	bool cancel;
};

/* -1 if the line is malformed; id is set even then, if it could be read. */
int	batch_request_parse(struct batch_request *request, const char *text,
	    size_t length, struct error *error);

/* The method of a line; NULL if it is not one for a batch. */
const struct method *batch_request_method(const struct batch_request *request,
	    struct error *error);

/* Are two ids the same, byte by byte? */
bool	batch_same_id(const struct json_slice *a, const struct json_slice *b);

/* A copy of an id, in one piece of memory, to be free(3)d; NULL with errno. */
struct json_slice *batch_keep_id(const struct json_slice *id);

/* Append such a line; request is JSON text. */
int	batch_write_request(struct buffer *out, const struct json_slice *id,
	    const char *method, const char *request, size_t length,
	    struct error *error);
int	batch_write_cancel(struct buffer *out, const struct json_slice *id,
	    struct error *error);

/* {"id":..,"response":..} or {"id":..,"error":{"code":..,"message":..}} */
struct batch_answer {
	struct json_slice id;
	struct json_slice response;	/* length 0: it is an error */
	int code;			/* exit_code.h; never EXIT_DONE */
	char status[32];		/* gRPC's; "": there is none */
	char message[4096 + 1];		/* cut to fit; never empty */
};

int	batch_answer_parse(struct batch_answer *answer, const char *text,
	    size_t length, struct error *error);

/* The text before and after a response that is too long to be copied. */
int	batch_begin_response(struct buffer *out, const struct json_slice *id,
	    struct error *error);
#define BATCH_END_RESPONSE "}\n"

/* Append such a line; response is JSON text, id may be of length 0, status NULL. */
int	batch_write_response(struct buffer *out, const struct json_slice *id,
	    const char *response, size_t length, struct error *error);
int	batch_write_error(struct buffer *out, const struct json_slice *id,
	    const char *status, const struct error *what, struct error *error);

#endif
