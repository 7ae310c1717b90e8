#include <byteswap.h>
#include <inttypes.h>
#include <string.h>

#include "format/zstream.h"
#include "format/zstream_record.h"

/*
 * zfs send -e writes a spill block whose data are embedded in its pointer (a short link's
 * target, an extended attribute) as a block of the object itself, at offset -2 times its
 * length; zfs recv loses it without a word.
 */
#define EMBEDDED_OFFSET_MAX	(UINT64_C(1) << 62)
#define EMBEDDED_SPILL		"it has an embedded spill block, which zfs recv would "	\
				"lose; send it without -e, or without -w if it is not "	\
				"encrypted"

void
zstream_init(struct zstream *stream, const char *use)
{
	memset(stream, 0, sizeof(*stream));
	stream->use = use;
}

void
zstream_add_sink(struct zstream *stream, const struct zstream_sink *sink)
{
	stream->sinks[stream->sink_count++] = *sink;
}

const char *
zstream_snapshot(const struct zstream *stream)
{
	const char *at = strchr(stream->to_name, '@');

	return (at != NULL ? at + 1 : "");
}

uint32_t
zstream_record_u32(const uint8_t *record, size_t offset)
{
	uint32_t value;

	memcpy(&value, record + offset, sizeof(value));
	return (value);
}

uint64_t
zstream_record_u64(const uint8_t *record, size_t offset)
{
	uint64_t value;

	memcpy(&value, record + offset, sizeof(value));
	return (value);
}

uint32_t
zstream_u32(const struct zstream *stream, size_t offset)
{
	const uint32_t value = zstream_record_u32(stream->record, offset);

	return (stream->swap ? bswap_32(value) : value);
}

uint64_t
zstream_u64(const struct zstream *stream, size_t offset)
{
	const uint64_t value = zstream_record_u64(stream->record, offset);

	return (stream->swap ? bswap_64(value) : value);
}

int
zstream_refuse(const struct zstream *stream, struct error *error, const char *what)
{
	return (error_set(error, EXIT_FAILED,
	    "not a stream that can be %s: %s (at offset %" PRIu64 ")", stream->use, what,
	    stream->offset));
}

static int
refuse_checksum(struct zstream *stream, struct error *error)
{
	stream->corrupt = true;
	return (zstream_refuse(stream, error, "checksum mismatch"));
}

/* Are the four words at offset this sum?  All zero (no sum) passes if that is allowed. */
static bool
checksum_at(const struct zstream *stream, size_t offset,
    const struct fletcher4 *sum, bool may_be_zero)
{
	bool zero = true, equal = true;

	for (size_t i = 0; i < 4; i++) {
		zero = zero && zstream_u64(stream, offset + 8 * i) == 0;
		equal = equal && zstream_u64(stream, offset + 8 * i) == sum->words[i];
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
		*length = zstream_u32(stream, AT_PAYLOAD_LENGTH);
		max = ZSTREAM_BEGIN_MAX;
		break;
	case RECORD_OBJECT:
		*length = zstream_u32(stream, OBJECT_RAW_BONUS_LENGTH);
		if (*length == 0)
			*length = ((uint64_t)zstream_u32(stream,
			    OBJECT_BONUS_LENGTH) + 7) & ~UINT64_C(7);
		break;
	case RECORD_WRITE:
		*length = zstream_u64(stream, stream->record[WRITE_COMPRESSION] != 0 ?
		    WRITE_COMPRESSED_SIZE : WRITE_LOGICAL_SIZE);
		break;
	case RECORD_SPILL:
		*length = zstream_u64(stream, SPILL_COMPRESSED_SIZE);
		if (*length == 0)
			*length = zstream_u64(stream, SPILL_LENGTH);
		break;
	case RECORD_WRITE_EMBEDDED:
		if (zstream_u64(stream, EMBEDDED_OFFSET) >= EMBEDDED_OFFSET_MAX)
			return (zstream_refuse(stream, error, EMBEDDED_SPILL));
		*length = ((uint64_t)zstream_u32(stream, EMBEDDED_SIZE) + 7) &
		    ~UINT64_C(7);
		break;
	case RECORD_FREEOBJECTS:
	case RECORD_FREE:
	case RECORD_END:
	case RECORD_OBJECT_RANGE:
		*length = 0;
		break;
	case RECORD_WRITE_BYREF:
		return (zstream_refuse(stream, error, "it is deduplicated"));
	case RECORD_REDACT:
		return (zstream_refuse(stream, error, "it is redacted"));
	default:
		return (zstream_refuse(stream, error, "unknown record type"));
	}
	if (*length > max || *length % 4 != 0)
		return (zstream_refuse(stream, error, "a record's payload has an "
		    "impossible length"));
	return (0);
}

static int
show_record(const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	for (size_t i = 0; i < stream->sink_count; i++)
		if (stream->sinks[i].record(stream->sinks[i].context, stream, type,
		    error) == -1)
			return (-1);
	return (0);
}

/* A BEGIN record: what kind of stream, and may we keep it? */
static int
begin(struct zstream *stream, struct error *error)
{
	const uint64_t version = zstream_u64(stream, BEGIN_VERSION);
	const unsigned int kind = version & 3;

	if (zstream_u64(stream, BEGIN_MAGIC) != BEGIN_MAGIC_VALUE)
		return (zstream_refuse(stream, error, "the magic number is wrong"));
	if (kind == BEGIN_KIND_COMPOUND && stream->state == ZSTREAM_AT_START) {
		stream->state = ZSTREAM_IN_WRAPPER;
		stream->with_properties = true;
		memcpy(stream->to_name, stream->record + BEGIN_TO_NAME,
		    sizeof(stream->to_name));
		return (0);
	}
	if (stream->state == ZSTREAM_AT_OUTER_END)
		return (zstream_refuse(stream, error, "it is a package of several streams"));
	if (kind != BEGIN_KIND_SUBSTREAM || (stream->state != ZSTREAM_AT_START &&
	    stream->state != ZSTREAM_AT_INNER))
		return (zstream_refuse(stream, error, "unexpected BEGIN record"));
	/* The wrapper names the last snapshot in it. */
	if (stream->with_properties && strncmp(stream->to_name,
	    (const char *)stream->record + BEGIN_TO_NAME,
	    sizeof(stream->to_name)) != 0)
		return (zstream_refuse(stream, error, "it is a package of several streams"));
	stream->features = (uint32_t)(version >> 2);
	stream->creation = (int64_t)zstream_u64(stream, BEGIN_CREATION);
	stream->type = zstream_u32(stream, BEGIN_TYPE);
	stream->to_guid = zstream_u64(stream, BEGIN_TO_GUID);
	stream->from_guid = zstream_u64(stream, BEGIN_FROM_GUID);
	memcpy(stream->to_name, stream->record + BEGIN_TO_NAME,
	    sizeof(stream->to_name));
	if (memchr(stream->to_name, '\0', sizeof(stream->to_name)) == NULL ||
	    strchr(stream->to_name, '@') == NULL || stream->to_guid == 0)
		return (zstream_refuse(stream, error, "it names no snapshot"));
	stream->begun = true;
	if (stream->features & ZSTREAM_RESUMING && !stream->may_resume)
		return (zstream_refuse(stream, error,
		    "it resumes another one and is only a part"));
	if (stream->features & ZSTREAM_REDACTED)
		return (zstream_refuse(stream, error, "it is redacted"));
	if (stream->features & ZSTREAM_DEDUP)
		return (zstream_refuse(stream, error, "it is deduplicated"));
	stream->state = ZSTREAM_IN_STREAM;
	return (show_record(stream, RECORD_BEGIN, error));
}

/* What no checksum covers in an END of the wrapper, its body from `from` on, is zero. */
static int
check_rest(struct zstream *stream, size_t from, struct error *error)
{
	for (size_t i = AT_PAYLOAD_LENGTH; i < AT_CHECKSUM; i++)
		if (stream->record[i] != 0 && (i < BODY || i >= from))
			return (refuse_checksum(stream, error));
	return (0);
}

/* An END record; before is the sum of everything in front of it. */
static int
end(struct zstream *stream, const struct fletcher4 *before, struct error *error)
{
	switch (stream->state) {
	case ZSTREAM_IN_WRAPPER:
		if (!checksum_at(stream, END_CHECKSUM, before, false))
			return (refuse_checksum(stream, error));
		stream->state = ZSTREAM_AT_INNER;
		return (check_rest(stream, END_TO_GUID, error));
	case ZSTREAM_IN_STREAM:
		if (!checksum_at(stream, END_CHECKSUM, before, false))
			return (refuse_checksum(stream, error));
		if (zstream_u64(stream, END_TO_GUID) != stream->to_guid)
			return (zstream_refuse(stream, error,
			    "its end belongs to another snapshot"));
		stream->state = stream->with_properties ?
		    ZSTREAM_AT_OUTER_END : ZSTREAM_COMPLETE;
		return (show_record(stream, RECORD_END, error));
	case ZSTREAM_AT_OUTER_END:
		stream->state = ZSTREAM_COMPLETE;
		return (check_rest(stream, BODY, error));
	default:
		return (zstream_refuse(stream, error, "unexpected END record"));
	}
}

/* A record's header is complete. */
static int
record(struct zstream *stream, struct error *error)
{
	struct fletcher4 before;
	uint32_t type;

	if (stream->state == ZSTREAM_AT_START)
		stream->swap = zstream_u64(stream, BEGIN_MAGIC) == bswap_64(BEGIN_MAGIC_VALUE);
	type = zstream_u32(stream, AT_TYPE);
	if (stream->state == ZSTREAM_AT_START && type != RECORD_BEGIN)
		return (zstream_refuse(stream, error,
		    "it does not begin as one of zfs send does"));
	if (type == RECORD_BEGIN)
		stream->sum = (struct fletcher4){ .swap = stream->swap };
	before = stream->sum;
	fletcher4_update(&stream->sum, stream->record, AT_CHECKSUM);
	/* The wrapper's own ENDs have no sum of their own. */
	if (type != RECORD_BEGIN && !checksum_at(stream, AT_CHECKSUM,
	    &stream->sum, stream->state != ZSTREAM_IN_STREAM))
		return (refuse_checksum(stream, error));
	fletcher4_update(&stream->sum, stream->record + AT_CHECKSUM,
	    ZSTREAM_RECORD_SIZE - AT_CHECKSUM);
	if (payload_length(stream, type, &stream->payload_left, error) == -1)
		return (-1);
	if (type == RECORD_BEGIN)
		return (begin(stream, error));
	if (type == RECORD_END)
		return (end(stream, &before, error));
	if (stream->state != ZSTREAM_IN_STREAM)
		return (zstream_refuse(stream, error, "a record outside of a stream"));
	return (show_record(stream, (enum zstream_record_type)type, error));
}

/* Not that of the wrapper, the properties. */
static int
show_payload(const struct zstream *stream, const uint8_t *bytes, size_t length,
    struct error *error)
{
	if (stream->state != ZSTREAM_IN_STREAM)
		return (0);
	for (size_t i = 0; i < stream->sink_count; i++)
		if (stream->sinks[i].payload != NULL &&
		    stream->sinks[i].payload(stream->sinks[i].context, stream, bytes,
		    length, error) == -1)
			return (-1);
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
			return (zstream_refuse(stream, error, "bytes follow its end"));
		if (stream->payload_left > 0) {
			take = length < stream->payload_left ? length :
			    (size_t)stream->payload_left;
			fletcher4_update(&stream->sum, at, take);
			stream->payload_left -= take;
			if (show_payload(stream, at, take, error) == -1)
				return (-1);
		} else {
			take = ZSTREAM_RECORD_SIZE - stream->have;
			take = length < take ? length : take;
			if (stream->have == 0)
				stream->at = stream->offset;
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
