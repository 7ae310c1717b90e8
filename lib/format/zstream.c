#include <byteswap.h>
#include <inttypes.h>
#include <string.h>

#include "format/zstream.h"

/* Record types, and where their fields lie (OpenZFS, dmu_replay_record). */
enum record_type {
	RECORD_BEGIN, RECORD_OBJECT, RECORD_FREEOBJECTS, RECORD_WRITE,
	RECORD_FREE, RECORD_END, RECORD_WRITE_BYREF, RECORD_SPILL,
	RECORD_WRITE_EMBEDDED, RECORD_OBJECT_RANGE, RECORD_REDACT
};

#define AT_TYPE			0
#define AT_PAYLOAD_LENGTH	4	/* BEGIN */
#define AT_CHECKSUM		280	/* of every record but BEGIN */
#define BODY			8

#define BEGIN_MAGIC		(BODY + 0)
#define BEGIN_VERSION		(BODY + 8)	/* 2 bits of kind, then features */
#define BEGIN_CREATION		(BODY + 16)
#define BEGIN_TYPE		(BODY + 24)
#define BEGIN_TO_GUID		(BODY + 32)
#define BEGIN_FROM_GUID		(BODY + 40)
#define BEGIN_TO_NAME		(BODY + 48)
#define END_CHECKSUM		(BODY + 0)
#define END_TO_GUID		(BODY + 32)
#define OBJECT_BONUS_LENGTH	(BODY + 20)
#define OBJECT_RAW_BONUS_LENGTH	(BODY + 28)
#define WRITE_LOGICAL_SIZE	(BODY + 24)
#define WRITE_COMPRESSION	(BODY + 42)
#define WRITE_COMPRESSED_SIZE	(BODY + 88)
#define SPILL_LENGTH		(BODY + 8)
#define SPILL_COMPRESSED_SIZE	(BODY + 32)
#define EMBEDDED_SIZE		(BODY + 44)

#define MAGIC			UINT64_C(0x2F5bacbac)
#define KIND_SUBSTREAM		1
#define KIND_COMPOUND		2

void
zstream_init(struct zstream *stream)
{
	memset(stream, 0, sizeof(*stream));
}

const char *
zstream_snapshot(const struct zstream *stream)
{
	const char *at = strchr(stream->to_name, '@');

	return (at != NULL ? at + 1 : "");
}

static uint32_t
get32(const struct zstream *stream, size_t offset)
{
	uint32_t value;

	memcpy(&value, stream->record + offset, sizeof(value));
	return (stream->swap ? bswap_32(value) : value);
}

static uint64_t
get64(const struct zstream *stream, size_t offset)
{
	uint64_t value;

	memcpy(&value, stream->record + offset, sizeof(value));
	return (stream->swap ? bswap_64(value) : value);
}

static int
refuse(const struct zstream *stream, struct error *error, const char *what)
{
	return (error_set(error, EXIT_FAILED,
	    "not a stream that can be kept: %s (at offset %" PRIu64 ")", what,
	    stream->offset));
}

/* Are the four words at offset this sum?  All zero (no sum) passes if that is allowed. */
static bool
checksum_at(const struct zstream *stream, size_t offset,
    const struct fletcher4 *sum, bool may_be_zero)
{
	bool zero = true, equal = true;

	for (size_t i = 0; i < 4; i++) {
		zero = zero && get64(stream, offset + 8 * i) == 0;
		equal = equal && get64(stream, offset + 8 * i) == sum->words[i];
	}
	return (equal || (zero && may_be_zero));
}

/*
 * The length of the payload that follows a record's header; -1 for an impossible record.
 */
static int
payload_length(const struct zstream *stream, uint32_t type, uint64_t *length,
    struct error *error)
{
	uint64_t max = ZSTREAM_BLOCK_MAX;

	switch (type) {
	case RECORD_BEGIN:
		*length = get32(stream, AT_PAYLOAD_LENGTH);
		max = ZSTREAM_BEGIN_MAX;
		break;
	case RECORD_OBJECT:
		*length = get32(stream, OBJECT_RAW_BONUS_LENGTH);
		if (*length == 0)
			*length = ((uint64_t)get32(stream,
			    OBJECT_BONUS_LENGTH) + 7) & ~UINT64_C(7);
		break;
	case RECORD_WRITE:
		*length = get64(stream, stream->record[WRITE_COMPRESSION] != 0 ?
		    WRITE_COMPRESSED_SIZE : WRITE_LOGICAL_SIZE);
		break;
	case RECORD_SPILL:
		*length = get64(stream, SPILL_COMPRESSED_SIZE);
		if (*length == 0)
			*length = get64(stream, SPILL_LENGTH);
		break;
	case RECORD_WRITE_EMBEDDED:
		*length = ((uint64_t)get32(stream, EMBEDDED_SIZE) + 7) &
		    ~UINT64_C(7);
		break;
	case RECORD_FREEOBJECTS:
	case RECORD_FREE:
	case RECORD_END:
	case RECORD_OBJECT_RANGE:
		*length = 0;
		break;
	case RECORD_WRITE_BYREF:
		return (refuse(stream, error, "it is deduplicated"));
	case RECORD_REDACT:
		return (refuse(stream, error, "it is redacted"));
	default:
		return (refuse(stream, error, "unknown record type"));
	}
	if (*length > max || *length % 4 != 0)
		return (refuse(stream, error, "a record's payload has an "
		    "impossible length"));
	return (0);
}

/* A BEGIN record: what kind of stream, and may we keep it? */
static int
begin(struct zstream *stream, struct error *error)
{
	const uint64_t version = get64(stream, BEGIN_VERSION);
	const unsigned int kind = version & 3;

	if (get64(stream, BEGIN_MAGIC) != MAGIC)
		return (refuse(stream, error, "the magic number is wrong"));
	if (kind == KIND_COMPOUND && stream->state == ZSTREAM_AT_START) {
		stream->state = ZSTREAM_IN_WRAPPER;
		stream->with_properties = true;
		memcpy(stream->to_name, stream->record + BEGIN_TO_NAME,
		    sizeof(stream->to_name));
		return (0);
	}
	if (stream->state == ZSTREAM_AT_OUTER_END)
		return (refuse(stream, error, "it is a package of several streams"));
	if (kind != KIND_SUBSTREAM || (stream->state != ZSTREAM_AT_START &&
	    stream->state != ZSTREAM_AT_INNER))
		return (refuse(stream, error, "unexpected BEGIN record"));
	/* The wrapper names the last snapshot in it. */
	if (stream->with_properties && strncmp(stream->to_name,
	    (const char *)stream->record + BEGIN_TO_NAME,
	    sizeof(stream->to_name)) != 0)
		return (refuse(stream, error, "it is a package of several streams"));
	stream->features = (uint32_t)(version >> 2);
	stream->creation = (int64_t)get64(stream, BEGIN_CREATION);
	stream->type = get32(stream, BEGIN_TYPE);
	stream->to_guid = get64(stream, BEGIN_TO_GUID);
	stream->from_guid = get64(stream, BEGIN_FROM_GUID);
	memcpy(stream->to_name, stream->record + BEGIN_TO_NAME,
	    sizeof(stream->to_name));
	if (memchr(stream->to_name, '\0', sizeof(stream->to_name)) == NULL ||
	    strchr(stream->to_name, '@') == NULL || stream->to_guid == 0)
		return (refuse(stream, error, "it names no snapshot"));
	stream->begun = true;
	if (stream->features & ZSTREAM_RESUMING)
		return (refuse(stream, error,
		    "it resumes another one and is only a part"));
	if (stream->features & ZSTREAM_REDACTED)
		return (refuse(stream, error, "it is redacted"));
	if (stream->features & ZSTREAM_DEDUP)
		return (refuse(stream, error, "it is deduplicated"));
	stream->state = ZSTREAM_IN_STREAM;
	return (0);
}

/* An END record; before is the sum of everything in front of it. */
static int
end(struct zstream *stream, const struct fletcher4 *before, struct error *error)
{
	switch (stream->state) {
	case ZSTREAM_IN_WRAPPER:
		if (!checksum_at(stream, END_CHECKSUM, before, false))
			return (refuse(stream, error, "checksum mismatch"));
		stream->state = ZSTREAM_AT_INNER;
		return (0);
	case ZSTREAM_IN_STREAM:
		if (!checksum_at(stream, END_CHECKSUM, before, false))
			return (refuse(stream, error, "checksum mismatch"));
		if (get64(stream, END_TO_GUID) != stream->to_guid)
			return (refuse(stream, error,
			    "its end belongs to another snapshot"));
		stream->state = stream->with_properties ?
		    ZSTREAM_AT_OUTER_END : ZSTREAM_COMPLETE;
		return (0);
	case ZSTREAM_AT_OUTER_END:
		stream->state = ZSTREAM_COMPLETE;
		return (0);
	default:
		return (refuse(stream, error, "unexpected END record"));
	}
}

/* A record's header is complete. */
static int
record(struct zstream *stream, struct error *error)
{
	struct fletcher4 before;
	uint32_t type;

	if (stream->state == ZSTREAM_AT_START)
		stream->swap = get64(stream, BEGIN_MAGIC) == bswap_64(MAGIC);
	type = get32(stream, AT_TYPE);
	if (type == RECORD_BEGIN)
		stream->sum = (struct fletcher4){ .swap = stream->swap };
	before = stream->sum;
	fletcher4_update(&stream->sum, stream->record, AT_CHECKSUM);
	/* The wrapper's own ENDs have no sum of their own. */
	if (type != RECORD_BEGIN && !checksum_at(stream, AT_CHECKSUM,
	    &stream->sum, stream->state != ZSTREAM_IN_STREAM))
		return (refuse(stream, error, "checksum mismatch"));
	fletcher4_update(&stream->sum, stream->record + AT_CHECKSUM,
	    ZSTREAM_RECORD_SIZE - AT_CHECKSUM);
	if (payload_length(stream, type, &stream->payload_left, error) == -1)
		return (-1);
	if (type == RECORD_BEGIN)
		return (begin(stream, error));
	if (type == RECORD_END)
		return (end(stream, &before, error));
	if (stream->state != ZSTREAM_IN_STREAM)
		return (refuse(stream, error, "a record outside of a stream"));
	return (0);
}

int
zstream_feed(struct zstream *stream, const void *bytes, size_t length,
    struct error *error)
{
	const uint8_t *at = bytes;
	size_t take;

	while (length > 0) {
		if (stream->state == ZSTREAM_COMPLETE)
			return (refuse(stream, error, "bytes follow its end"));
		if (stream->payload_left > 0) {
			take = length < stream->payload_left ? length :
			    (size_t)stream->payload_left;
			fletcher4_update(&stream->sum, at, take);
			stream->payload_left -= take;
		} else {
			take = ZSTREAM_RECORD_SIZE - stream->have;
			take = length < take ? length : take;
			memcpy(stream->record + stream->have, at, take);
			stream->have += take;
			if (stream->have == ZSTREAM_RECORD_SIZE) {
				stream->have = 0;
				if (record(stream, error) == -1)
					return (-1);
			}
		}
		at += take;
		length -= take;
		stream->offset += take;
	}
	return (0);
}

int
zstream_finish(const struct zstream *stream, struct error *error)
{
	if (stream->state == ZSTREAM_COMPLETE)
		return (0);
	return (error_set(error, EXIT_FAILED, stream->offset == 0 ?
	    "the stream is empty" : "the stream is incomplete: it ends after %"
	    PRIu64 " bytes", stream->offset));
}
