#ifndef ZR_REQUEST_CHECK_H
#define ZR_REQUEST_CHECK_H

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * The rules that every message must satisfy, because a zrepl process crashes on one
 * that breaks them (zr-protocol(7), COMPATIBILITY).  Our clients do not send such a
 * message, and our servers answer it with an error.
 *
 * - every FilesystemVersion, in any place: Type 0 or 1, a valid Name, a Creation in
 *   RFC 3339;
 * - SendReq and ReceiveReq: To is present, and a ReplicationConfig with a protection;
 * - SendCompletedReq: OriginalReq is present;
 * - no Filesystem has a ".." component.
 *
 * Checks requests and responses alike; -1 with EXIT_FAILED and a text that names the
 * field.
 */
int	request_check(const ProtobufCMessage *message, struct error *error);

/*
 * For code that acts on a ReplicationConfig: both guarantees are valid, not only the
 * one that applies.
 */
int	request_check_guarantees(const ReplicationConfig *config,
	    struct error *error);

#endif
