#include <byteswap.h>
#include <string.h>

#include "format/splice.h"
#include "format/zstream_record.h"

bool
splice_is_resuming(const uint8_t record[ZSTREAM_RECORD_SIZE])
{
	uint64_t version = zstream_record_u64(record, BEGIN_VERSION);

	if (zstream_record_u32(record, AT_TYPE) != RECORD_BEGIN)
		return (false);
	if (zstream_record_u64(record, BEGIN_MAGIC) == bswap_64(BEGIN_MAGIC_VALUE))
		version = bswap_64(version);
	else if (zstream_record_u64(record, BEGIN_MAGIC) != BEGIN_MAGIC_VALUE)
		return (false);
	return ((version & 3) == BEGIN_KIND_SUBSTREAM &&
	    (version >> 2 & ZSTREAM_RESUMING) != 0);
}

static int
refuse_foreign(struct splice *splice, struct error *error, const char *what)
{
	splice->foreign = true;
	return (zstream_refuse(&splice->stream, error, what));
}

/* Where in a stream an OBJECT, a WRITE or a WRITE_EMBEDDED has its place. */
struct place {
	uint64_t object;
	bool is_block;
	uint64_t offset;
};

/* False: it is a record of another type, which has none. */
static bool
place_of(struct place *place, const uint8_t *record)
{
	const uint32_t type = zstream_record_u32(record, AT_TYPE);

	*place = (struct place){ .object = zstream_record_u64(record, OBJECT_NUMBER),
	    .is_block = type == RECORD_WRITE || type == RECORD_WRITE_EMBEDDED };
	if (type == RECORD_WRITE)
		place->offset = zstream_record_u64(record, WRITE_OFFSET);
	else if (type == RECORD_WRITE_EMBEDDED)
		place->offset = zstream_record_u64(record, EMBEDDED_OFFSET);
	return (type == RECORD_OBJECT || place->is_block);
}

static bool
is_before(const struct place *one, const struct place *other)
{
	if (one->object != other->object)
		return (one->object < other->object);
	if (one->is_block != other->is_block)
		return (!one->is_block);
	return (one->offset < other->offset);
}

static int
check_begin(struct splice *splice, struct error *error)
{
	const struct zstream *const stream = &splice->stream, *const part = splice->part;

	if ((stream->features & ZSTREAM_RESUMING) == 0)
		return (refuse_foreign(splice, error, "it does not resume another one"));
	if (stream->swap || part->swap)
		return (refuse_foreign(splice, error,
		    "a machine of the other byte order wrote it"));
	if (stream->to_guid != part->to_guid)
		return (refuse_foreign(splice, error, "it is of another snapshot than what "
		    "was received before"));
	if (stream->from_guid != part->from_guid)
		return (refuse_foreign(splice, error, "it is based on another snapshot than "
		    "what was received before"));
	if ((stream->features & ~(uint32_t)ZSTREAM_RESUMING) != part->features ||
	    stream->type != part->type)
		return (refuse_foreign(splice, error, "it is of another kind than what was "
		    "received before"));
	return (0);
}

/* Before the anchor has come: is this it, or can it still come? */
static int
seek(struct splice *splice, enum zstream_record_type type, struct error *error)
{
	struct place here, wanted;

	if (memcmp(splice->stream.record, splice->anchor, AT_CHECKSUM) == 0) {
		splice->matched = ZSTREAM_RECORD_SIZE;
		splice->joined = splice->matched == splice->anchor_length;
		return (0);
	}
	if (type == RECORD_END || (place_of(&here, splice->stream.record) &&
	    place_of(&wanted, splice->anchor) && !is_before(&here, &wanted)))
		return (refuse_foreign(splice, error, "it does not have the last record that "
		    "was received before: it comes from another source"));
	return (0);
}

static void
put_sum(uint8_t *at, const struct fletcher4 *sum)
{
	memcpy(at, sum->words, sizeof(sum->words));
}

/* A record with the checksums that it has in the whole. */
static int
write_record(struct splice *splice, enum zstream_record_type type, struct error *error)
{
	static const uint8_t outer_end[ZSTREAM_RECORD_SIZE] = { 0 };
	uint8_t record[ZSTREAM_RECORD_SIZE];
	const uint32_t outer_type = RECORD_END;

	memcpy(record, splice->stream.record, sizeof(record));
	if (type == RECORD_END)
		put_sum(record + END_CHECKSUM, &splice->sum);
	fletcher4_update(&splice->sum, record, AT_CHECKSUM);
	put_sum(record + AT_CHECKSUM, &splice->sum);
	fletcher4_update(&splice->sum, record + AT_CHECKSUM, sizeof(record) - AT_CHECKSUM);
	if (splice->write(splice->context, record, sizeof(record), error) == -1)
		return (-1);
	if (type != RECORD_END || !splice->part->with_properties)
		return (0);
	memcpy(record, outer_end, sizeof(record));
	memcpy(record + AT_TYPE, &outer_type, sizeof(outer_type));
	return (splice->write(splice->context, record, sizeof(record), error));
}

static int
take_record(void *context, const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	struct splice *splice = context;

	(void)stream;
	if (type == RECORD_BEGIN)
		return (check_begin(splice, error));
	if (!splice->joined)
		return (seek(splice, type, error));
	return (write_record(splice, type, error));
}

static int
take_payload(void *context, const struct zstream *stream, const uint8_t *bytes,
    size_t length, struct error *error)
{
	struct splice *splice = context;

	(void)stream;
	if (splice->joined) {
		fletcher4_update(&splice->sum, bytes, length);
		return (splice->write(splice->context, bytes, length, error));
	}
	if (splice->matched == 0)
		return (0);
	if (length > splice->anchor_length - splice->matched ||
	    memcmp(bytes, splice->anchor + splice->matched, length) != 0)
		return (refuse_foreign(splice, error, "its data differ from what was "
		    "received before: it comes from another source"));
	splice->matched += length;
	splice->joined = splice->matched == splice->anchor_length;
	return (0);
}

void
splice_init(struct splice *splice, const struct zstream *part, const uint8_t *anchor,
    size_t anchor_length, int (*write)(void *context, const void *bytes, size_t length,
    struct error *error), void *context)
{
	memset(splice, 0, sizeof(*splice));
	zstream_init(&splice->stream, "appended");
	splice->stream.may_resume = true;
	zstream_add_sink(&splice->stream, &(struct zstream_sink){ .record = take_record,
	    .payload = take_payload, .context = splice });
	splice->part = part;
	splice->anchor = anchor;
	splice->anchor_length = anchor_length;
	splice->write = write;
	splice->context = context;
	splice->sum = part->sum;
}

int
splice_feed(struct splice *splice, const void *bytes, size_t length, struct error *error)
{
	return (zstream_feed(&splice->stream, bytes, length, error));
}

int
splice_finish(const struct splice *splice, struct error *error)
{
	return (zstream_finish(&splice->stream, error));
}
