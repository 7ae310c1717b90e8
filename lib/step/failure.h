#ifndef ZR_FAILURE_H
#define ZR_FAILURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The kind of a failed call at an endpoint, which decides about the next attempt
 * (zr-replicate(1)).
 */
enum failure {
	FAILURE_NONE,		/* it has not failed */
	FAILURE_TRANSPORT,	/* the endpoint, or the connection to it, was lost */
	FAILURE_BUSY,		/* the dataset is in use by something that will end */
	FAILURE_OTHER		/* the same call would fail again */
};

/*
 * Judge by the exit code, by the gRPC status of a batch's answer ("" or NULL: none), or
 * else by the text: a busy dataset has no code and no status of its own, neither in
 * zfs(8) nor on the wire.
 */
enum failure failure_of(int exit_code, const char *status, const char *text);

/*
 * Is this how an endpoint says that a snapshot is not destroyed because something needs
 * it: a hold, a clone, or, in an archive, the increment that is based on it?
 */
bool	failure_is_in_use(const char *text);

/*
 * When to try again what has failed this many times in a row: a random time, a second from
 * now at the latest, after each further failure twice as long, up to a minute.
 */
int64_t	failure_retry_at(int64_t now, size_t failures);

/* "transport", "busy", "other". */
const char *failure_name(enum failure failure);

#endif
