#ifndef ZR_READINESS_H
#define ZR_READINESS_H

#include "base/error.h"

/*
 * Tell the supervisor that we are ready: send READY=1, as sd_notify(3) does, to the
 * socket that $NOTIFY_SOCKET names, and unset the variable; write a newline to fd, as
 * s6 expects, and close it.  If no socket is named or fd is -1, that part does nothing.
 * A supervisor that is gone is an error, never a SIGPIPE.
 */
int	readiness_tell(int fd, struct error *error);

#endif
