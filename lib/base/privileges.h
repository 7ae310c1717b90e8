#ifndef ZR_PRIVILEGES_H
#define ZR_PRIVILEGES_H

#include "base/error.h"

/*
 * Become USER for good, with its groups; for programs that are started as
 * root.  Does nothing if we are USER already.
 */
int	privileges_drop(const char *user, struct error *error);

/* No core file and no debugger shall see our keys (until the next exec). */
void	privileges_hide_memory(void);

#endif
