#ifndef ZR_READINESS_H
#define ZR_READINESS_H

#include "base/error.h"

/*
 * Tell the supervisor that we are ready: sd_notify(3)'s READY=1 to the socket
 * that $NOTIFY_SOCKET names (which is unset), and a newline to fd, as s6
 * wants it, which is closed; fd may be -1.  Whoever should hear it and is gone
 * is an error, never SIGPIPE; nobody being named is none.
 */
int	readiness_tell(int fd, struct error *error);

#endif
