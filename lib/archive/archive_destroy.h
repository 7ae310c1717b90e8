#ifndef ZR_ARCHIVE_DESTROY_H
#define ZR_ARCHIVE_DESTROY_H

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * DestroySnapshots in the archive whose directory is root, with the answer
 * on standard output: what goes, goes at once; each that stays has its reason
 * there, as one does that is the base of a stored increment which stays.
 */
int	archive_destroy(int root, const DestroySnapshotsReq *request,
	    struct error *error);

#endif
