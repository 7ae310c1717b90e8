#ifndef ZR_PRIVILEGES_H
#define ZR_PRIVILEGES_H

#include "base/error.h"

/*
 * Become USER for good, with its groups; for programs started as root.  Does
 * nothing if we are USER already.
 */
int	privileges_drop(const char *user, struct error *error);

/* Hide our keys from core files and debuggers, until the next exec. */
void	privileges_hide_memory(void);

#endif
