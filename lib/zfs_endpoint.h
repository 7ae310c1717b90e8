#ifndef ZR_ZFS_ENDPOINT_H
#define ZR_ZFS_ENDPOINT_H

#include "endpoint_method.h"

/* What zr-endpoint sender and zr-endpoint receiver have in common. */

/*
 * Set up to run zfs, run a method, and say what went wrong, with a line of
 * advice where there is one.  prefix, if not NULL, is the filesystem that the
 * client sees as the root: it is taken out of what is said.  Returns the exit
 * code.
 */
int	zfs_endpoint_run(const struct endpoint_method methods_here[],
	    void *context, const char *name, const char *operand,
	    const char *prefix);

/* Every endpoint answers a Ping alike. */
int	zfs_endpoint_ping(void *context, const ProtobufCMessage *request,
	    struct error *error);

#endif
