#ifndef ZR_ZFS_ENDPOINT_H
#define ZR_ZFS_ENDPOINT_H

#include "endpoint/endpoint_program.h"
#include "zfs/zfs_versions.h"

/* What zr-endpoint sender and zr-endpoint receiver have in common. */

struct zfs_endpoint {
	const struct endpoint_method *methods;
	const char *side;	/* "sender" or "receiver": the host of a hint */
	const char *prefix;	/* not NULL: the filesystem that the client sees */
				/* as the root; removed from messages */
	const void *role;	/* struct sender or struct receiver */
	zfs_local_name *local_name;	/* with role as its context */
};

/*
 * Set up to run zfs, and run a method, which gets the struct zfs_endpoint as
 * its context.  Errors are printed, with a hint if there is one.  Returns the exit
 * code.
 */
int	zfs_endpoint_run(const struct zfs_endpoint *endpoint, const char *name,
	    const char *operand);

/* -H: run zfs(8) on this host from now on.  An invalid name ends the program. */
void	zfs_endpoint_host(const char *host);

/* The methods that are the same for both.  context is the struct zfs_endpoint. */
int	zfs_endpoint_ping(void *context, const ProtobufCMessage *request,
	    struct error *error);
int	zfs_endpoint_list_versions(void *context,
	    const ProtobufCMessage *request, struct error *error);
int	zfs_endpoint_list_versions_of_many(void *context,
	    const ProtobufCMessage *const requests[], size_t count,
	    struct error *error);
int	zfs_endpoint_destroy_snapshots(void *context,
	    const ProtobufCMessage *request, struct error *error);

#endif
