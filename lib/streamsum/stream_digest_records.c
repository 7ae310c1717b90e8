/*
 * What a digest takes of a stream: its records, and their payloads.
 */
#include "format/zstream_record.h"
#include "streamsum/items.h"
#include "streamsum/stream_digest_private.h"

#define SMALL_BLOCK_MAX 131072	/* bytes: without -L, zfs send makes no larger ones */

/* --- parts --- */

static int
end_part(struct stream_digest *digest, struct error *error)
{
	struct stream_part part = { .is_range = digest->is_range,
	    .number = digest->number };

	if (!digest->in_part)
		return (0);
	runs_end(&digest->runs, &digest->part);
	digest->in_part = false;
	sha256_end(&digest->part, part.digest);
	items_field(&digest->whole, part.number);
	sha256_add(&digest->whole, part.digest, sizeof(part.digest));
	items_end(&digest->whole, part.is_range ? 'r' : 'o', sizeof(part.digest));
	return (digest->each == NULL ? 0 : digest->each(digest->context, &part, error));
}

static int
begin_part(struct stream_digest *digest, bool is_range, uint64_t number,
    struct error *error)
{
	if (end_part(digest, error) == -1)
		return (-1);
	sha256_begin(&digest->part);
	digest->in_part = true;
	digest->is_range = is_range;
	digest->number = number;
	return (0);
}

/* The payload that follows: this many of its bytes count. */
static void
expect(struct stream_digest *digest, char letter, uint64_t bytes)
{
	digest->letter = letter;
	digest->bytes = bytes;
	digest->counted = 0;
	if (bytes == 0)
		items_end(&digest->part, letter, 0);
}

/* --- records --- */

static int
begin(struct stream_digest *digest, struct error *error)
{
	const struct zstream *stream = digest->stream;
	static const struct items_field fields[] = { { BEGIN_TO_GUID, 8 },
	    { BEGIN_FROM_GUID, 8 }, { BEGIN_CREATION, 8 }, { BEGIN_TYPE, 4 } };
	const uint32_t flags = zstream_u32(stream, BEGIN_FLAGS) & BEGIN_FLAG_CI_DATA;

	if (stream->from_guid != 0)
		return (zstream_refuse(stream, error, "it is an increment, and two copies "
		    "of the same snapshot may give different ones; send it in full"));
	if (stream->swap)
		return (zstream_refuse(stream, error,
		    "a machine of the other byte order wrote it"));
	digest->kind = stream->features & ZSTREAM_RAW ? STREAM_DIGEST_RAW :
	    STREAM_DIGEST_LOGICAL;
	sha256_begin(&digest->whole);
	ITEMS_FIELDS(&digest->whole, stream, fields);
	items_field(&digest->whole, flags);
	items_end(&digest->whole,
	    digest->kind == STREAM_DIGEST_RAW ? 'R' : 'L', 0);
	return (0);
}

/* An OBJECT's fields; -1: it cannot be of a stream of this kind. */
static int
add_object(struct stream_digest *digest, struct error *error)
{
	static const struct items_field both[] = { { OBJECT_NUMBER, 8 },
	    { OBJECT_TYPE, 4 }, { OBJECT_BONUS_TYPE, 4 }, { OBJECT_BONUS_LENGTH, 4 },
	    { OBJECT_CHECKSUM_TYPE, 1 }, { OBJECT_COMPRESSION, 1 },
	    { OBJECT_DNODE_SLOTS, 1 } };
	static const struct items_field raw[] = { { OBJECT_RAW_BONUS_LENGTH, 4 },
	    { OBJECT_INDIRECT_SHIFT, 1 }, { OBJECT_LEVELS, 1 },
	    { OBJECT_BLOCK_POINTERS, 1 }, { OBJECT_MAX_BLOCK_ID, 8 } };
	const struct zstream *stream = digest->stream;
	const uint8_t flags = stream->record[OBJECT_FLAGS];
	uint32_t block_size = zstream_u32(stream, OBJECT_BLOCK_SIZE);

	if (block_size > ZSTREAM_BLOCK_MAX)
		return (zstream_refuse(stream, error,
		    "an object has an impossible block size"));
	ITEMS_FIELDS(&digest->part, stream, both);
	if (digest->kind == STREAM_DIGEST_RAW) {
		ITEMS_FIELDS(&digest->part, stream, raw);
		items_field(&digest->part, block_size);
		items_field(&digest->part,
		    flags & (OBJECT_FLAG_SPILL | RECORD_RAW_BYTESWAP));
		return (0);
	}
	if (zstream_u32(stream, OBJECT_RAW_BONUS_LENGTH) != 0)
		return (zstream_refuse(stream, error, "an object of it is raw"));
	items_field(&digest->part, block_size < SMALL_BLOCK_MAX ? block_size :
	    SMALL_BLOCK_MAX);
	items_field(&digest->part, flags & OBJECT_FLAG_SPILL);
	return (0);
}

static int
object(struct stream_digest *digest, struct error *error)
{
	const struct zstream *stream = digest->stream;
	const uint64_t number = zstream_u64(stream, OBJECT_NUMBER);

	if (digest->any_object && number <= digest->object)
		return (zstream_refuse(stream, error, "its objects do not ascend"));
	if (begin_part(digest, false, number, error) == -1 ||
	    add_object(digest, error) == -1)
		return (-1);
	digest->any_object = true;
	digest->object = number;
	digest->type = zstream_u32(stream, OBJECT_TYPE);
	digest->end = 0;
	expect(digest, 'b', digest->kind == STREAM_DIGEST_RAW ? stream->payload_left :
	    zstream_u32(stream, OBJECT_BONUS_LENGTH));
	return (0);
}

/* A block must belong to the object that was last. */
static int
check_block(const struct stream_digest *digest, uint64_t number, uint8_t compression,
    struct error *error)
{
	const struct zstream *stream = digest->stream;

	if (!digest->in_part || digest->is_range || number != digest->number)
		return (zstream_refuse(stream, error,
		    "a block does not follow its object"));
	if (digest->kind == STREAM_DIGEST_LOGICAL && compression != 0)
		return (zstream_refuse(stream, error,
		    "its blocks are compressed; send it without -c, -e and -w"));
	return (0);
}

static int
block(struct stream_digest *digest, struct error *error)
{
	static const struct items_field raw[] = { { WRITE_TYPE, 4 }, { WRITE_OFFSET, 8 },
	    { WRITE_LOGICAL_SIZE, 8 }, { WRITE_COMPRESSION, 1 },
	    { WRITE_COMPRESSED_SIZE, 8 }, { WRITE_SALT, 8 }, { WRITE_IV, 12 },
	    { WRITE_MAC, 16 } };
	const struct zstream *stream = digest->stream;
	const uint64_t offset = zstream_u64(stream, WRITE_OFFSET),
	    size = zstream_u64(stream, WRITE_LOGICAL_SIZE);

	if (check_block(digest, zstream_u64(stream, WRITE_OBJECT),
	    stream->record[WRITE_COMPRESSION], error) == -1)
		return (-1);
	if (size % RUNS_PIECE != 0 || offset % RUNS_PIECE != 0 || offset + size < offset)
		return (zstream_refuse(stream, error, "a block has an impossible place"));
	if (offset < digest->end)
		return (zstream_refuse(stream, error, "an object's blocks do not ascend"));
	digest->end = offset + size;
	if (digest->kind == STREAM_DIGEST_RAW) {
		ITEMS_FIELDS(&digest->part, stream, raw);
		items_field(&digest->part,
		    stream->record[WRITE_FLAGS] & RECORD_RAW_BYTESWAP);
		expect(digest, 'w', stream->payload_left);
		return (0);
	}
	if (zstream_u32(stream, WRITE_TYPE) != digest->type)
		return (zstream_refuse(stream, error, "a block is not of its object's type"));
	digest->letter = 'd';
	digest->bytes = size;
	digest->counted = 0;
	runs_go_to(&digest->runs, offset);
	return (0);
}

static int
spill(struct stream_digest *digest, struct error *error)
{
	static const struct items_field logical[] = { { SPILL_LENGTH, 8 }, { SPILL_TYPE, 4 } };
	static const struct items_field raw[] = { { SPILL_COMPRESSION, 1 },
	    { SPILL_COMPRESSED_SIZE, 8 }, { SPILL_SALT, 8 }, { SPILL_IV, 12 },
	    { SPILL_MAC, 16 } };
	const struct zstream *stream = digest->stream;

	if (check_block(digest, zstream_u64(stream, SPILL_OBJECT),
	    stream->record[SPILL_COMPRESSION], error) == -1)
		return (-1);
	runs_end(&digest->runs, &digest->part);
	ITEMS_FIELDS(&digest->part, stream, logical);
	if (digest->kind == STREAM_DIGEST_RAW) {
		ITEMS_FIELDS(&digest->part, stream, raw);
		items_field(&digest->part,
		    stream->record[SPILL_FLAGS] & RECORD_RAW_BYTESWAP);
	}
	expect(digest, 's', stream->payload_left);
	return (0);
}

static int
range(struct stream_digest *digest, struct error *error)
{
	static const struct items_field fields[] = { { RANGE_FIRST, 8 }, { RANGE_SLOTS, 8 },
	    { RANGE_SALT, 8 }, { RANGE_IV, 12 }, { RANGE_MAC, 16 } };
	const struct zstream *stream = digest->stream;

	if (digest->kind != STREAM_DIGEST_RAW)
		return (zstream_refuse(stream, error, "a part of it is raw"));
	if (begin_part(digest, true, zstream_u64(stream, RANGE_FIRST), error) == -1)
		return (-1);
	ITEMS_FIELDS(&digest->part, stream, fields);
	items_field(&digest->part,
	    stream->record[RANGE_FLAGS] & RECORD_RAW_BYTESWAP);
	items_end(&digest->part, 'r', 0);
	return (0);
}

/*
 * What was not there before is freed in a full stream, which is the pool's own affair; but
 * what the stream itself has brought would be gone again, though it counts.
 */
static int
check_free(const struct stream_digest *digest, enum zstream_record_type type,
    struct error *error)
{
	const struct zstream *stream = digest->stream;
	bool gone;

	if (type == RECORD_FREEOBJECTS)
		gone = digest->any_object &&
		    zstream_u64(stream, FREEOBJECTS_FIRST) <= digest->object;
	else if (zstream_u64(stream, FREE_OBJECT) == digest->object)
		gone = zstream_u64(stream, FREE_OFFSET) < digest->end;
	else
		gone = digest->any_object &&
		    zstream_u64(stream, FREE_OBJECT) < digest->object;
	return (gone ? zstream_refuse(stream, error, "it frees what it has written") : 0);
}

int
stream_digest_record(void *context, const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	struct stream_digest *digest = context;

	digest->bytes = digest->counted = 0;
	switch (type) {
	case RECORD_BEGIN:
		return (begin(digest, error));
	case RECORD_OBJECT:
		return (object(digest, error));
	case RECORD_WRITE:
		return (block(digest, error));
	case RECORD_SPILL:
		return (spill(digest, error));
	case RECORD_OBJECT_RANGE:
		return (range(digest, error));
	case RECORD_WRITE_EMBEDDED:
		return (zstream_refuse(stream, error,
		    "it has embedded blocks; send it without -e and -w"));
	case RECORD_END:
		return (end_part(digest, error));
	case RECORD_FREE:
	case RECORD_FREEOBJECTS:
		return (check_free(digest, type, error));
	default:
		return (0);
	}
}

/* --- payloads --- */

int
stream_digest_payload(void *context, const struct zstream *stream, const uint8_t *bytes,
    size_t length, struct error *error)
{
	struct stream_digest *digest = context;
	const uint64_t left = digest->bytes - digest->counted;

	(void)stream;
	(void)error;
	/* A bonus is padded to eight bytes; a BEGIN's payload does not count. */
	length = length < left ? length : (size_t)left;
	if (length == 0)
		return (0);
	digest->counted += length;
	if (digest->letter == 'd') {
		runs_add(&digest->runs, &digest->part, bytes, length);
		return (0);
	}
	sha256_add(&digest->part, bytes, length);
	if (digest->counted == digest->bytes)
		items_end(&digest->part, digest->letter, digest->bytes);
	return (0);
}
