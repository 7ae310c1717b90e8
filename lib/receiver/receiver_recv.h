#ifndef ZR_RECEIVER_RECV_H
#define ZR_RECEIVER_RECV_H

#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "format/stream_head.h"
#include "receiver/receiver.h"

enum recv_flags {
	RECV_FORCE = 1 << 0,		/* -F: over the existing filesystem */
	RECV_NO_PLACEHOLDER = 1 << 1,	/* the filesystem stops being a placeholder */
	RECV_HEAD_TAKEN = 1 << 2	/* head->bytes come before standard input */
};

/*
 * Run zfs recv on standard input.  target: "pool/filesystem@snapshot".  The receiver's -o
 * and -x that do not apply to the stream's kind of dataset are left out, and the log says
 * so once.  The bytes are counted only where progress is asked for.  The verdict is only used to give up the stream while it lasts; the caller
 * must still ask it whether the stream was whole.
 */
int	receiver_recv(const struct receiver *receiver, const char *target,
	    const struct stream_head *head, enum recv_flags flags,
	    struct verdict *verdict, struct progress *progress, struct error *error);

/* zfs recv -A: give up the saved state of a stream.  No state is no error. */
int	receiver_recv_abort(const char *name, struct error *error);

#endif
