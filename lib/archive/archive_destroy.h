#ifndef ZR_ARCHIVE_DESTROY_H
#define ZR_ARCHIVE_DESTROY_H

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * DestroySnapshots in the archive whose directory is root.  The answer on standard
 * output has a reason for each snapshot that is kept, such as the base of an increment
 * that is kept; all others are destroyed at once.
 */
int	archive_destroy(int root, const DestroySnapshotsReq *request,
	    struct error *error);

#endif
