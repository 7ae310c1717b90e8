#ifndef ZR_DATACONN_IN_H
#define ZR_DATACONN_IN_H

#include "dataconn/compression.h"
#include "dataconn/exchange.h"

/*
 * The incoming half of a data connection, for dataconn_private.h alone: bytes are read
 * from the network, interpreted by exchange.h, and written to a descriptor if they are
 * the stream's.  The connection asks dataconn_in_reads() whether to wait for the network,
 * calls dataconn_in_read() or dataconn_in_flush() when a descriptor is ready, and keeps
 * the clock, the rate and the statistics.
 *
 * The stream is written from the buffer into which it was read, with one read and one
 * write for each piece; compressed frames are inflated into another one.  Nothing is read
 * while earlier bytes wait.
 */
enum dataconn_network {
	DATACONN_NETWORK_OPEN,
	DATACONN_NETWORK_FIN,	/* the peer's FIN or reset is in the kernel */
	DATACONN_NETWORK_END	/* the FIN was read, after all bytes */
};

enum dataconn_sink_state {
	DATACONN_SINK_NONE,	/* stream bytes are dropped, */
	DATACONN_SINK_LATER,	/* wait for a sink, */
	DATACONN_SINK_OPEN,	/* or are written to it */
	DATACONN_SINK_BROKEN	/* it takes no more; not reported yet */
};

struct dataconn_in {
	int fd;				/* the network; not owned */
	enum dataconn_network network;
	struct exchange exchange;
	bool shutdown_seen;
	size_t unheard;			/* bytes that were no sign of life */
	size_t low_water;		/* bytes that poll(2) waits for */
	size_t awaited;			/* of a long frame; 0: no such frame */
	int64_t gather_until;
	uint8_t *bytes;			/* what was read, */
	size_t start, end;		/* and what of it exchange has not seen */
	struct decompressor decompressor;
	bool inflating;			/* it has bytes that were read */
	size_t data_length;		/* stream bytes of this EXCHANGE_DATA */
	uint64_t frames, compressed_frames;	/* of the stream, */
	uint64_t wire;			/* and their bytes on the network */

	enum dataconn_sink_state sink;
	int sink_fd;			/* not owned; valid while open */
	int sink_errno;			/* why it is broken */
	const uint8_t *pending;		/* stream bytes that it has not taken */
	size_t pending_length;
};

int	dataconn_in_init(struct dataconn_in *in, int fd, enum exchange_role role,
	    enum method_kind method, struct error *error);

/* Can we read now, and may more bytes come? */
bool	dataconn_in_reads(const struct dataconn_in *in);

/* Were bytes read that are neither a past event's nor waiting for the sink? */
bool	dataconn_in_has_more(const struct dataconn_in *in);

/*
 * To be called before each wait for the network: in the middle of a long frame the kernel
 * gathers bytes, instead of waking us for each segment.  Returns when this is to be called
 * again, at the latest: what has come by then is to be read.
 */
int64_t	dataconn_in_gather(struct dataconn_in *in, int64_t now);

/* Is what comes next the ZFS stream, to which -r applies? */
bool	dataconn_in_streams(const struct dataconn_in *in);

/*
 * Read at most max bytes (not 0).  True if they are a sign that the peer is
 * alive; a failure is in *error, and the network has then ended.
 */
bool	dataconn_in_read(struct dataconn_in *in, size_t max, struct error *error);

/*
 * The next event in the bytes that were read; EXCHANGE_MORE if more bytes are needed,
 * or if stream bytes wait for the sink.  At EXCHANGE_DATA the sink has already been given the
 * bytes, and has taken as many as it could: in->data_length is their number.
 */
enum exchange_event dataconn_in_next(struct dataconn_in *in, struct error *error);

/* Set where the stream goes; fd is for DATACONN_SINK_OPEN. */
void	dataconn_in_sink(struct dataconn_in *in, enum dataconn_sink_state sink, int fd);

/* Write as many of the waiting bytes as the sink takes now; never blocks. */
void	dataconn_in_flush(struct dataconn_in *in);

/* Report a broken sink, once: -1 and *error; otherwise 0. */
int	dataconn_in_broken(struct dataconn_in *in, struct error *error);

void	dataconn_in_free(struct dataconn_in *in);

#endif
