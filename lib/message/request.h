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
 * The first line of standard input, without its newline; with it, it may have size
 * bytes.  A blank line, or one that is only the beginning of a JSON value, is an error.
 * With IO_LINE_ALONE no further byte is read.  free(3) it.  NULL with *error.
 */
char	*request_line(size_t size, enum io_line what, struct error *error);

/*
 * The descriptor that the request line of a method comes from: standard input, unless the
 * method is Receive and the environment names another one (ZR_REQUEST).  That becomes
 * close-on-exec, and the variable is unset.  -1 if it is not open (EXIT_USAGE).
 */
#define REQUEST_ENVIRONMENT	"ZR_REQUEST"

int	request_descriptor(const struct method *method, struct error *error);

/*
 * The request of a method, parsed and checked (request_check.h); free it with
 * pbjson_free() (pbjson.h).  NULL with *error (EXIT_USAGE).
 */
ProtobufCMessage *request_parse(const struct method *method, const char *text,
	    size_t length, struct error *error);

/*
 * The same of operand or, if that is NULL, of the first line of standard input; no
 * further byte is read if a stream follows.
 * request_read_from() reads the line from fd instead.
 */
ProtobufCMessage *request_read(const struct method *method,
	    const char *operand, struct error *error);
ProtobufCMessage *request_read_from(int fd, const struct method *method,
	    const char *operand, struct error *error);

/*
 * Refuse a line that is blank, or only the beginning of a JSON value that continues on
 * the next line: -1 (EXIT_USAGE).
 */
int	request_check_line(const char *line, size_t length, struct error *error);

/* Write the answer line to standard output at once. */
int	request_answer(const ProtobufCMessage *response, struct error *error);

/* Does the request name only snapshots?  -1: it names a bookmark. */
int	request_only_snapshots(const DestroySnapshotsReq *request,
	    struct error *error);

/*
 * Answer DestroySnapshots: texts[i] says why snapshot i was not destroyed; NULL means
 * that it was.
 */
int	request_answer_destroyed(const DestroySnapshotsReq *request,
	    char *const texts[], struct error *error);

#endif
