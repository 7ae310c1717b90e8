/*
 * The name of a client's filesystem here: ROOT_FS/[IDENTITY/]NAME.
 */
#include <stdio.h>

#include "receiver/receiver.h"

int
receiver_local_name(const struct receiver *receiver, const char *filesystem,
    char local[FS_NAME_MAX + 1], struct error *error)
{
	if (filesystem[0] == '\0')
		return (error_set(error, EXIT_FAILED,
		    "empty filesystem not allowed"));
	if (!fs_name_valid_filesystem(filesystem) ||
	    receiver_is_incoming(filesystem))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a filesystem", filesystem));
	if (snprintf(local, FS_NAME_MAX + 1, "%s/%s", receiver->root,
	    filesystem) > FS_NAME_MAX || !fs_name_valid_filesystem(local))
		return (error_set(error, EXIT_FAILED, "%s: the name is too long "
		    "or too deep for this receiver", filesystem));
	return (0);
}
