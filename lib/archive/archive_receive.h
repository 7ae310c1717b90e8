#ifndef ZR_ARCHIVE_RECEIVE_H
#define ZR_ARCHIVE_RECEIVE_H

#include "base/error.h"
#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "zrepl.pb-c.h"

/*
 * Take a stream from fd into the archive whose directory is root: verified
 * while it arrives (zstream.h), stored when it is whole, is what the request
 * says, and the verdict on it, where one is given, is good; otherwise not at
 * all.  A snapshot that is there already is read to its end and not stored
 * again; one that is there but damaged is replaced.
 *
 * From here on SIGHUP, SIGINT and SIGTERM end it, with EXIT_SIGNAL plus the
 * number.  However it fails, what it began is removed, directories included.
 */
int	archive_receive(int root, const ReceiveReq *request, int fd,
	    struct verdict *verdict, struct progress *progress,
	    struct error *error);

#endif
