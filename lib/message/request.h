#ifndef ZR_REQUEST_H
#define ZR_REQUEST_H

#include "base/error.h"
#include "base/io.h"
#include "message/method.h"
#include "zrepl.pb-c.h"

/*
 * An endpoint's side of the endpoint interface (zr-endpoint-interface(7)):
 * the request line in, the answer line out.
 */
#define REQUEST_LINE_MAX	(16u << 20)	/* bytes */

/*
 * The first line of standard input without its newline, which with it has size
 * bytes at most, and is not only the beginning of a JSON value or blank.  Where it
 * is IO_LINE_ALONE not a byte more is read.  free(3) it.  NULL with *error.
 */
char	*request_line(size_t size, enum io_line what, struct error *error);

/*
 * The request of a method: operand, or, where that is NULL, the first line of
 * standard input, alone where a stream follows.  Parsed and checked
 * (request_check.h); free with pbjson_free() (pbjson.h).
 * NULL with *error.
 */
ProtobufCMessage *request_read(const struct method *method,
	    const char *operand, struct error *error);

/*
 * Is this line only the beginning of a JSON value that goes on below it, or
 * blank?  Says so; -1 (EXIT_USAGE) if so.
 */
int	request_check_line(const char *line, size_t length, struct error *error);

/* The answer line, on standard output at once. */
int	request_answer(const ProtobufCMessage *response, struct error *error);

/* Are all that are to be destroyed snapshots?  -1: one is a bookmark. */
int	request_only_snapshots(const DestroySnapshotsReq *request,
	    struct error *error);

/*
 * The answer to DestroySnapshots: texts[i] says why snapshot i was not
 * destroyed, NULL that it was.
 */
int	request_answer_destroyed(const DestroySnapshotsReq *request,
	    char *const texts[], struct error *error);

#endif
