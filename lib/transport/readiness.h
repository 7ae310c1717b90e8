#ifndef ZR_READINESS_H
#define ZR_READINESS_H

#include "base/error.h"

/*
 * Tell the supervisor that we are ready: sd_notify(3)'s READY=1 to the socket
 * that $NOTIFY_SOCKET names (which is unset), and a newline to fd, as s6
 * wants it, which is closed; fd may be -1.  Nobody listening is no error.
 */
int	readiness_tell(int fd, struct error *error);

#endif
