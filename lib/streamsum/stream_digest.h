#ifndef ZR_STREAM_DIGEST_H
#define ZR_STREAM_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * What is in a snapshot, as a digest of a full send stream of it: two pools that hold the
 * same snapshot give the same, though not the same stream, since compression, block
 * sizes, checksums and the order of what is freed are a pool's own.
 *
 * There are two kinds, and a stream is of one: the logical digest is of the data, from
 * "zfs send" without -c, -e or -w; the raw one of the ciphertext, from "zfs send -w" of
 * an encrypted dataset, and needs no key.  An increment cannot be compared.
 *
 * An object's digest is SHA-256 over its items: its record, its data in runs, its spill
 * block.  Each item is its fields, each as 64 bits with the lowest byte first, then its
 * bytes, their number and a letter: read backwards it cannot be mistaken for another.
 * An object's block size counts as 128 KiB if it is more, as without zfs send -L.
 * Pieces of 512 bytes that are all zero are left out, since a hole and zeros are
 * the same; the others that adjoin form a run, whose field is its offset.  The snapshot's
 * digest is SHA-256 over an item for its BEGIN record and one for each object, whose bytes
 * are its digest.  In a raw stream the records of OBJECT_RANGE are parts beside the objects.
 *
 * Objects, and the blocks of each, must ascend, and nothing may be freed that the stream
 * has written, as in every stream of zfs send: what counts could otherwise be written over
 * afterwards.
 */
#define STREAM_DIGEST_SIZE 32	/* bytes */

enum stream_digest_kind {
	STREAM_DIGEST_LOGICAL,
	STREAM_DIGEST_RAW
};

/* A part of a snapshot; they come in ascending order, a range before its objects. */
struct stream_part {
	bool is_range;
	uint64_t number;	/* of the object, or of the range's first one */
	uint8_t digest[STREAM_DIGEST_SIZE];
};

struct stream_sum {
	enum stream_digest_kind kind;
	uint64_t guid;		/* of the snapshot */
	uint8_t digest[STREAM_DIGEST_SIZE];
};

struct stream_digest;
struct zstream;

/*
 * each, if not NULL, is told of every part; -1 from it ends stream_digest_feed().
 * NULL: out of memory.
 */
struct stream_digest *stream_digest_new(
	    int (*each)(void *context, const struct stream_part *part,
	    struct error *error), void *context);

/*
 * The next bytes.  -1 (EXIT_FAILED) as soon as they cannot become a complete full stream
 * of one snapshot that can be compared: the text names the fault and its offset.
 */
int	stream_digest_feed(struct stream_digest *digest, const void *bytes, size_t length,
	    struct error *error);

/*
 * Instead of stream_digest_feed(): see what another reader feeds to `stream`, which must
 * outlive the digest's use.  A stream that cannot be compared is no error of that
 * reader's: stream_digest_finish() has it.
 */
void	stream_digest_attach(struct stream_digest *digest, struct zstream *stream);

/* At the end of file: -1 if the stream is incomplete. */
int	stream_digest_finish(struct stream_digest *digest, struct stream_sum *sum,
	    struct error *error);

/* The kind and the guid, known once each has been called, and no digest yet. */
void	stream_digest_begun(const struct stream_digest *digest, struct stream_sum *sum);

/* "pool/filesystem@snapshot", as the stream says; "" before its beginning. */
const char *stream_digest_name(const struct stream_digest *digest);

void	stream_digest_free(struct stream_digest *digest);

#endif
