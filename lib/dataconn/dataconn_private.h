#ifndef ZR_DATACONN_PRIVATE_H
#define ZR_DATACONN_PRIVATE_H

#include "base/rate.h"
#include "dataconn/dataconn.h"
#include "dataconn/dataconn_in.h"
#include "dataconn/dataconn_out.h"
#include "dataconn/liveness.h"

/*
 * What dataconn.h hides, for dataconn.c (what is said and asked), dataconn_wait.c
 * (one turn of the loop), dataconn_close.c and dataconn_statistics.c: the two
 * halves, and what they share.
 */
struct dataconn_statistics {
	uint64_t bytes;			/* of the ZFS stream, either way */
	uint64_t heartbeats_sent;
	uint64_t heartbeats_received;
	int64_t started;		/* ms; 0: not yet */
	int64_t network_ms;		/* spent waiting for the peer, */
	int64_t producer_ms;		/* for the source, */
	int64_t consumer_ms;		/* for the sink, */
	int64_t rate_ms;		/* for -r */
};

struct dataconn {
	struct dataconn_out out;
	struct dataconn_in in;
	struct liveness liveness;
	struct rate rate;
	struct dataconn_statistics statistics;
	enum {
		DATACONN_RUNS,
		DATACONN_IS_LOST,	/* for the reason in error */
		DATACONN_CLOSES		/* dataconn_close() has its own limits */
	} phase;
	int64_t stream_ms;		/* dataconn_limit_stream() */
	bool stream_awaited;		/* and the limit runs */
	struct error error;		/* the first thing that went wrong */
	bool left_unused;		/* the peer has closed it, and had said nothing */
};

/*
 * Has inflating made more stream bytes than the rate allowed?  Those that were read after
 * them then wait; bytes that were not compressed are limited when they are read.
 */
bool	dataconn_is_held(const struct dataconn *conn);

/* Write as many of the waiting bytes as the kernel takes; never blocks. */
void	dataconn_flush(struct dataconn *conn, int64_t now);

/* NULL, or what the peer has failed to do in its time. */
const char *dataconn_failure(const struct dataconn *conn, int64_t now);

#endif
