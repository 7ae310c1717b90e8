#ifndef ZR_STREAM_DIGEST_PRIVATE_H
#define ZR_STREAM_DIGEST_PRIVATE_H

#include "format/zstream.h"
#include "streamsum/runs.h"
#include "streamsum/stream_digest.h"

/* A digest under way (stream_digest.h); what its two files share. */
struct stream_digest {
	struct zstream own;
	const struct zstream *stream;	/* that, or the one that it is attached to */
	struct error refused;		/* attached: unless EXIT_DONE, why it goes no further */
	enum stream_digest_kind kind;
	int (*each)(void *context, const struct stream_part *part, struct error *error);
	void *context;
	struct sha256 whole, part;

	bool in_part;
	bool is_range;
	uint64_t number, object;	/* of the part; of the last object */
	bool any_object;
	uint32_t type;			/* of the object */
	uint64_t end;			/* of the object's last block: its end's offset */

	/* The record whose payload is awaited. */
	char letter;
	uint64_t bytes, counted;	/* that count, and have been counted */
	struct runs runs;		/* of a block's data, in a logical digest */
};

/* stream_digest_records.c: what it takes of the stream; as in a zstream_sink. */
int	stream_digest_record(void *context, const struct zstream *stream,
	    enum zstream_record_type type, struct error *error);
int	stream_digest_payload(void *context, const struct zstream *stream,
	    const uint8_t *bytes, size_t length, struct error *error);

#endif
