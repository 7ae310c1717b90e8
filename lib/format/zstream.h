#ifndef ZR_ZSTREAM_H
#define ZR_ZSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "format/fletcher4.h"

/*
 * Is this a complete zfs send stream of one snapshot, and of which?  Bytes go in as
 * they arrive.  The length and checksum of every record are checked; payloads are only
 * summed, and only one record's header is kept.  Both byte orders are read.
 *
 * A stream is a list of records of 312 bytes: BEGIN, any number of others, END.  A
 * record's header gives the length of the payload that follows it.  With properties
 * (zfs send -p) the stream is wrapped: BEGIN with a payload, END, the stream, END.
 */
#define ZSTREAM_RECORD_SIZE	312
#define ZSTREAM_BLOCK_MAX	(16u << 20)	/* a block's payload, bytes */
#define ZSTREAM_BEGIN_MAX	(64u << 20)	/* BEGIN's payload, bytes */

enum zstream_feature {
	ZSTREAM_DEDUP = 1 << 0,
	ZSTREAM_EMBEDDED = 1 << 16,
	ZSTREAM_LARGE_BLOCKS = 1 << 19,
	ZSTREAM_RESUMING = 1 << 20,
	ZSTREAM_REDACTED = 1 << 21,
	ZSTREAM_COMPRESSED = 1 << 22,
	ZSTREAM_RAW = 1 << 24
};

/* The kind of dataset. */
enum zstream_type {
	ZSTREAM_FILESYSTEM = 2,
	ZSTREAM_VOLUME = 3
};

enum zstream_record_type {
	RECORD_BEGIN, RECORD_OBJECT, RECORD_FREEOBJECTS, RECORD_WRITE,
	RECORD_FREE, RECORD_END, RECORD_WRITE_BYREF, RECORD_SPILL,
	RECORD_WRITE_EMBEDDED, RECORD_OBJECT_RANGE, RECORD_REDACT
};

struct zstream;

/*
 * Who else looks at the stream: each record of it whose header is valid, and then its
 * payload in pieces; not what wraps it, the properties.  Fields are in zstream_record.h.
 * -1 ends zstream_feed().  payload may be NULL.
 */
struct zstream_sink {
	int (*record)(void *context, const struct zstream *stream,
	    enum zstream_record_type type, struct error *error);
	int (*payload)(void *context, const struct zstream *stream,
	    const uint8_t *bytes, size_t length, struct error *error);
	void *context;
};

#define ZSTREAM_SINKS 2

struct zstream {
	/* Of the user, before the first byte. */
	const char *use;		/* "not a stream that can be ...": a word */
	bool may_resume;		/* also one that resumes another one */
	struct zstream_sink sinks[ZSTREAM_SINKS];
	size_t sink_count;

	/* Valid once begun is set. */
	bool begun;
	uint64_t to_guid;
	uint64_t from_guid;		/* 0: a full stream */
	int64_t creation;		/* seconds since the epoch */
	uint32_t features;		/* enum zstream_feature, and others */
	uint32_t type;			/* enum zstream_type, or another */
	bool with_properties;
	char to_name[256];		/* "pool/filesystem@snapshot" */

	enum {
		ZSTREAM_AT_START,	/* nothing yet */
		ZSTREAM_IN_WRAPPER,	/* the properties */
		ZSTREAM_AT_INNER,	/* between them and the stream */
		ZSTREAM_IN_STREAM,
		ZSTREAM_AT_OUTER_END,	/* only the wrapper's END is missing */
		ZSTREAM_COMPLETE
	} state;
	uint64_t offset;		/* bytes so far */
	uint64_t at;			/* where the last record begins */
	bool corrupt;			/* refused since a checksum is wrong */
	uint8_t record[ZSTREAM_RECORD_SIZE];
	size_t have;			/* of record */
	uint64_t payload_left;
	bool swap;
	struct fletcher4 sum;
};

void	zstream_init(struct zstream *stream, const char *use);

/* At most ZSTREAM_SINKS, which are called in this order; copied. */
void	zstream_add_sink(struct zstream *stream, const struct zstream_sink *sink);

/*
 * The next bytes.  -1 (EXIT_FAILED) as soon as this cannot become a complete, storable
 * stream of one snapshot: the text names the fault and its offset.  Do not call any
 * more then.
 */
int	zstream_feed(struct zstream *stream, const void *bytes, size_t length,
	    struct error *error);

/* At the end of file: -1 if the stream is incomplete. */
int	zstream_finish(const struct zstream *stream, struct error *error);

/* For a sink: a field of the record, in our own byte order. */
uint32_t zstream_u32(const struct zstream *stream, size_t offset);
uint64_t zstream_u64(const struct zstream *stream, size_t offset);

/* For a sink: an error of this stream, at this offset.  Returns -1. */
int	zstream_refuse(const struct zstream *stream, struct error *error, const char *what);

/* The part of to_name after its "@". */
const char *zstream_snapshot(const struct zstream *stream);

#endif
