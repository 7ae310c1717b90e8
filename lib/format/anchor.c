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

static unsigned
flags_of(uint32_t features)
{
	static const struct { enum zstream_feature feature; enum resume_token_flag flag; } pairs[] = {
		{ ZSTREAM_LARGE_BLOCKS, RESUME_TOKEN_LARGE_BLOCKS },
		{ ZSTREAM_EMBEDDED, RESUME_TOKEN_EMBEDDED },
		{ ZSTREAM_COMPRESSED, RESUME_TOKEN_COMPRESSED },
		{ ZSTREAM_RAW, RESUME_TOKEN_RAW } };
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if ((features & pairs[i].feature) != 0)
			flags |= pairs[i].flag;
	return (flags);
}

int
anchor_token(struct resume_token *token, const struct zstream *stream,
    const uint8_t record[ZSTREAM_RECORD_SIZE], struct error *error)
{
	const char *const snapshot = zstream_snapshot(stream);
	const uint32_t type = zstream_record_u32(record, AT_TYPE);

	if (!stream->begun || stream->swap || !can_be_anchor(type))
		return (error_set(error, EXIT_FAILED,
		    "not a stream that can be resumed: no anchor is there"));
	*token = (struct resume_token){ .to_guid = stream->to_guid,
	    .from_guid = stream->from_guid,
	    .object = zstream_record_u64(record, OBJECT_NUMBER),
	    .flags = flags_of(stream->features) };
	if (type == RECORD_WRITE)
		token->offset = zstream_record_u64(record, WRITE_OFFSET);
	else if (type == RECORD_WRITE_EMBEDDED)
		token->offset = zstream_record_u64(record, EMBEDDED_OFFSET);
	strlcpy(token->snapshot, snapshot, sizeof(token->snapshot));
	memcpy(token->filesystem, stream->to_name,
	    (size_t)(snapshot - 1 - stream->to_name));
	return (0);
}

bool
anchor_seems(const uint8_t bytes[ANCHOR_LOOK], uint64_t to_guid)
{
	const uint32_t type = zstream_record_u32(bytes, AT_TYPE);

	return ((type == RECORD_OBJECT || type == RECORD_WRITE) &&
	    zstream_record_u64(bytes, type == RECORD_OBJECT ? OBJECT_TO_GUID :
	    WRITE_TO_GUID) == to_guid);
}
