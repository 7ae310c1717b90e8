#ifndef ZR_FAILURE_H
#define ZR_FAILURE_H

#include "base/error.h"

/*
 * What a failed call at an endpoint means for the next attempt (zr-replicate(1)).
 */
enum failure {
	FAILURE_NONE,		/* it has not failed */
	FAILURE_TRANSPORT,	/* the endpoint, or the connection to it, was lost */
	FAILURE_BUSY,		/* the dataset is in use by something that will end */
	FAILURE_OTHER		/* the same call would fail again */
};

/*
 * By the exit code, or the gRPC status of a batch's answer ("" or NULL: none), or else
 * by the text: a busy dataset has neither a code nor a status of its own, neither in
 * zfs(8) nor on the wire.
 */
enum failure failure_of(int exit_code, const char *status, const char *text);

/* "transport", "busy", "other". */
const char *failure_name(enum failure failure);

#endif
