#include <string.h>

#include "format/anchor.h"
#include "format/zstream_record.h"

static bool
can_be_anchor(uint32_t type)
{
	return (type == RECORD_OBJECT || type == RECORD_WRITE ||
	    type == RECORD_WRITE_EMBEDDED);
}

static int
take_record(void *context, const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	struct anchor *anchor = context;

	(void)error;
	if (stream->swap)
		return (0);
	if (anchor->awaits) {
		anchor->known = true;
		anchor->offset = anchor->next;
	}
	anchor->awaits = can_be_anchor(type);
	anchor->next = stream->at;
	return (0);
}

void
anchor_follow(struct anchor *anchor, struct zstream *stream)
{
	zstream_add_sink(stream, &(struct zstream_sink){ .record = take_record, .context = anchor });
}

static uint64_t
u64_at(const uint8_t *record, size_t offset)
{
	uint64_t value;

	memcpy(&value, record + offset, sizeof(value));
	return (value);
}

int
anchor_token(struct resume_token *token, const struct zstream *stream,
    const uint8_t record[ZSTREAM_RECORD_SIZE], struct error *error)
{
	const char *const snapshot = zstream_snapshot(stream);
	uint32_t type;

	memcpy(&type, record + AT_TYPE, sizeof(type));
	if (!stream->begun || stream->swap || !can_be_anchor(type))
		return (error_set(error, EXIT_FAILED,
		    "not a stream that can be resumed: no anchor is there"));
	*token = (struct resume_token){ .to_guid = stream->to_guid,
	    .has_from_guid = stream->from_guid != 0, .from_guid = stream->from_guid,
	    .object = u64_at(record, OBJECT_NUMBER),
	    .raw = stream->features & ZSTREAM_RAW,
	    .compressed = stream->features & ZSTREAM_COMPRESSED,
	    .embedded = stream->features & ZSTREAM_EMBEDDED,
	    .large_blocks = stream->features & ZSTREAM_LARGE_BLOCKS };
	if (type == RECORD_WRITE)
		token->offset = u64_at(record, WRITE_OFFSET);
	else if (type == RECORD_WRITE_EMBEDDED)
		token->offset = u64_at(record, EMBEDDED_OFFSET);
	strlcpy(token->snapshot, snapshot, sizeof(token->snapshot));
	memcpy(token->filesystem, stream->to_name,
	    (size_t)(snapshot - 1 - stream->to_name));
	return (0);
}

bool
anchor_seems(const uint8_t bytes[ANCHOR_LOOK], uint64_t to_guid)
{
	uint32_t type;

	memcpy(&type, bytes + AT_TYPE, sizeof(type));
	return ((type == RECORD_OBJECT && u64_at(bytes, OBJECT_TO_GUID) == to_guid) ||
	    (type == RECORD_WRITE && u64_at(bytes, WRITE_TO_GUID) == to_guid));
}
