#ifndef ZR_ARCHIVE_SEND_H
#define ZR_ARCHIVE_SEND_H

#include <stdint.h>

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * Sending from the archive whose directory is root: exactly the increment, or
 * the full stream, that is stored.
 */

/* The stream that a SendReq asks for, open to read, and its size in bytes. */
int	archive_send_open(int root, const SendReq *request, uint64_t *size,
	    struct error *error);

/* All of it to standard output. */
int	archive_send_copy(int stream, uint64_t size, struct error *error);

#endif
