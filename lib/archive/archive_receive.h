#ifndef ZR_ARCHIVE_RECEIVE_H
#define ZR_ARCHIVE_RECEIVE_H

#include "base/error.h"
#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "zrepl.pb-c.h"

/*
 * Receive a stream from fd into the archive whose directory is root.  It is verified
 * as it arrives (zstream.h).  It is stored only if it is complete and the snapshot of
 * the request, and the verdict, if one is given, is good.  The stream of a snapshot
 * that is already stored is read to its end and not stored again; a damaged snapshot
 * is replaced.
 *
 * A stream that breaks off leaves a part (archive_part.h), to be completed by a stream
 * that resumes it; a refused stream leaves nothing.
 *
 * SIGHUP, SIGINT and SIGTERM end it from the call on, with EXIT_SIGNAL plus the number.
 */
int	archive_receive(int root, const ReceiveReq *request, int fd,
	    struct verdict *verdict, struct progress *progress,
	    struct error *error);

#endif
