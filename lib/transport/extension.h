#ifndef ZR_EXTENSION_H
#define ZR_EXTENSION_H

#include <stdbool.h>

#include "transport/banner.h"

/*
 * The extensions of a banner that zr knows (zr-protocol(7), Version handshake).  The
 * client offers one by a line of its banner; the server agrees by the same line of its
 * own.  zr-handshake tells the rest of the chain by ZR_EXTENSIONS (zr-chain(7)).
 */
#define EXTENSION_ZSTD	"zr-zstd-1"	/* compressed frames in a ZFS stream */

/* Is it one of the banner's lines?  Pure. */
bool	extension_in_banner(const struct banner *banner, const char *name);

/*
 * Say in the environment which one is agreed upon; NULL: none.  -1 with errno.
 */
int	extension_export(const char *name);

/* Is it agreed upon on this connection? */
bool	extension_agreed(const char *name);

#endif
