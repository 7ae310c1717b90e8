#ifndef ZR_REQUEST_CHECK_H
#define ZR_REQUEST_CHECK_H

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * What every message must satisfy whoever handles it, because a zrepl
 * process dies of it otherwise (zr-protocol(7), COMPATIBILITY): our clients do
 * not send it and our servers answer it with an error.
 *
 * - every FilesystemVersion, wherever it stands: Type 0 or 1, a Name that is
 *   one, a Creation in RFC 3339;
 * - SendReq and ReceiveReq: To is there, and a ReplicationConfig with a
 *   protection;
 * - SendCompletedReq: OriginalReq is there;
 * - no Filesystem has a ".." component.
 *
 * Works on requests and responses alike; -1 with EXIT_FAILED and a text that
 * names the field.
 */
int	request_check(const ProtobufCMessage *message, struct error *error);

/*
 * Those who act on a ReplicationConfig: both of its guarantees are some, not
 * only the one that applies.
 */
int	request_check_guarantees(const ReplicationConfig *config,
	    struct error *error);

#endif
