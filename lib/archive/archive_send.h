#ifndef ZR_ARCHIVE_SEND_H
#define ZR_ARCHIVE_SEND_H

#include <stdint.h>

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * Sending from the archive whose directory is root: only a stored increment or full
 * stream can be sent, and only from its beginning.  A resume token is ignored, and
 * UsedResumeToken says so: the receiver then gives up its part.
 */

/* Open the stream that a SendReq names, for reading; *size is its length in bytes. */
int	archive_send_open(int root, const SendReq *request, uint64_t *size,
	    struct error *error);

/* Write all of it to standard output. */
int	archive_send_copy(int stream, uint64_t size, struct error *error);

#endif
