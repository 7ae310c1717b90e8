#ifndef ZR_ZSTREAM_RECORD_H
#define ZR_ZSTREAM_RECORD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Where the fields of a send stream's records lie (OpenZFS, dmu_replay_record), bytes
 * from the record's beginning.  One of 32 or 64 bits is read by zstream_u32() or
 * zstream_u64(), all others from stream->record.  In a stream of our own byte order
 * these read one, too:
 */
uint32_t zstream_record_u32(const uint8_t *record, size_t offset);
uint64_t zstream_record_u64(const uint8_t *record, size_t offset);

#define AT_TYPE			0
#define AT_PAYLOAD_LENGTH	4	/* BEGIN */
#define AT_CHECKSUM		280	/* of every record but BEGIN */
#define BODY			8

#define BEGIN_MAGIC		(BODY + 0)
#define BEGIN_MAGIC_VALUE	UINT64_C(0x2F5bacbac)
#define BEGIN_VERSION		(BODY + 8)	/* 2 bits of kind, then features */
#define BEGIN_KIND_SUBSTREAM	1		/* a snapshot */
#define BEGIN_KIND_COMPOUND	2		/* what wraps it */
#define BEGIN_CREATION		(BODY + 16)
#define BEGIN_TYPE		(BODY + 24)
#define BEGIN_FLAGS		(BODY + 28)
#define BEGIN_FLAG_CI_DATA	(1u << 1)	/* names ignore case */
#define BEGIN_TO_GUID		(BODY + 32)
#define BEGIN_FROM_GUID		(BODY + 40)
#define BEGIN_TO_NAME		(BODY + 48)

#define END_CHECKSUM		(BODY + 0)
#define END_TO_GUID		(BODY + 32)

#define OBJECT_NUMBER		(BODY + 0)
#define OBJECT_TYPE		(BODY + 8)
#define OBJECT_BONUS_TYPE	(BODY + 12)
#define OBJECT_BLOCK_SIZE	(BODY + 16)
#define OBJECT_BONUS_LENGTH	(BODY + 20)
#define OBJECT_CHECKSUM_TYPE	(BODY + 24)	/* 8 bits */
#define OBJECT_COMPRESSION	(BODY + 25)	/* 8 bits */
#define OBJECT_DNODE_SLOTS	(BODY + 26)	/* 8 bits */
#define OBJECT_FLAGS		(BODY + 27)	/* 8 bits */
#define OBJECT_FLAG_SPILL	(1u << 2)
#define OBJECT_RAW_BONUS_LENGTH	(BODY + 28)
#define OBJECT_TO_GUID		(BODY + 32)
#define OBJECT_INDIRECT_SHIFT	(BODY + 40)	/* 8 bits */
#define OBJECT_LEVELS		(BODY + 41)	/* 8 bits */
#define OBJECT_BLOCK_POINTERS	(BODY + 42)	/* 8 bits */
#define OBJECT_MAX_BLOCK_ID	(BODY + 48)

#define FREEOBJECTS_FIRST	(BODY + 0)

#define WRITE_OBJECT		(BODY + 0)
#define WRITE_TYPE		(BODY + 8)
#define WRITE_OFFSET		(BODY + 16)
#define WRITE_LOGICAL_SIZE	(BODY + 24)
#define WRITE_TO_GUID		(BODY + 32)
#define WRITE_FLAGS		(BODY + 41)	/* 8 bits */
#define WRITE_COMPRESSION	(BODY + 42)	/* 8 bits */
#define WRITE_COMPRESSED_SIZE	(BODY + 88)
#define WRITE_SALT		(BODY + 96)
#define WRITE_IV		(BODY + 104)	/* 12 bytes */
#define WRITE_MAC		(BODY + 116)	/* 16 bytes */

#define FREE_OBJECT		(BODY + 0)
#define FREE_OFFSET		(BODY + 8)

#define SPILL_OBJECT		(BODY + 0)
#define SPILL_LENGTH		(BODY + 8)
#define SPILL_FLAGS		(BODY + 24)	/* 8 bits */
#define SPILL_COMPRESSION	(BODY + 25)	/* 8 bits */
#define SPILL_COMPRESSED_SIZE	(BODY + 32)
#define SPILL_SALT		(BODY + 40)
#define SPILL_IV		(BODY + 48)	/* 12 bytes */
#define SPILL_MAC		(BODY + 60)	/* 16 bytes */
#define SPILL_TYPE		(BODY + 76)

#define EMBEDDED_OBJECT		(BODY + 0)
#define EMBEDDED_OFFSET		(BODY + 8)
#define EMBEDDED_SIZE		(BODY + 44)

#define RANGE_FIRST		(BODY + 0)
#define RANGE_SLOTS		(BODY + 8)
#define RANGE_SALT		(BODY + 24)
#define RANGE_IV		(BODY + 32)	/* 12 bytes */
#define RANGE_MAC		(BODY + 44)	/* 16 bytes */
#define RANGE_FLAGS		(BODY + 60)	/* 8 bits */

/* Of OBJECT, WRITE, SPILL, OBJECT_RANGE in a raw stream. */
#define RECORD_RAW_BYTESWAP	(1u << 1)

#endif
