#ifndef ZR_GUARD_H
#define ZR_GUARD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/error.h"
#include "retention/rules.h"
#include "zrepl.pb-c.h"

/*
 * zr-guard: an endpoint (zr-endpoint-interface(7)) in front of another.  It answers
 * DestroySnapshots itself, checks Receive, and passes everything else on.
 *
 * Whatever is in doubt is kept: where the endpoint's listing fails or does not make
 * sense, the call fails.  An endpoint's own failure is explained by the endpoint: the
 * error of such a call has its exit code and an empty text.
 */
struct guard {
	const struct rules *rules;	/* the floor; NULL: append only */
	bool quiet;			/* of what is kept say that it was destroyed */
	const char *directory;		/* guard_permit.h */
	char *const *endpoint;		/* its command line, without a method */
};

/* Run a method on the request in operand (NULL: standard input); or exec the endpoint. */
int	guard_run(const struct guard *guard, const char *method,
	    const char *operand);

/* --- what its files share --- */

/*
 * One call at the endpoint, as a child that shares our standard error.  filesystem, if
 * not NULL, makes it a listing for our own use: in the order of arrival, and of that
 * filesystem alone if the endpoint can do so.  The answer is parsed and checked;
 * pbjson_free() it.  NULL with *error.
 */
ProtobufCMessage *guard_call(const struct guard *guard, const char *method,
	    const ProtobufCMessage *request, const char *filesystem,
	    struct error *error);

/* DestroySnapshots; the answer goes to standard output. */
int	guard_destroy(const struct guard *guard, const DestroySnapshotsReq *request,
	    struct error *error);

/* Exec the endpoint for Receive; returns only with -1. */
int	guard_receive(const struct guard *guard, const char *operand,
	    struct error *error);

/* -1 with an error, or the exit code of the endpoint's batch. */
int	guard_batch(const struct guard *guard, struct error *error);

/*
 * The command line with the words behind it, of which operand may be NULL; free(3) it.
 * NULL (EXIT_SYSTEM): out of memory.
 */
char	**guard_command(const struct guard *guard, const char *method,
	    const char *operand, struct error *error);

#endif
