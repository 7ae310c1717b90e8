#ifndef ZR_RESUME_TOKEN_H
#define ZR_RESUME_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "format/fs_name.h"

/*
 * Resume tokens: the value of the property receive_resume_token after an
 * interrupted "zfs recv -s", and the argument of "zfs send -t"
 * (zr-protocol(7), Resume tokens).
 *
 *	1-CHECKSUM-SIZE-DATA	all lower-case hex
 *
 * DATA is zlib-compressed, CHECKSUM is the first word of its fletcher4 checksum over
 * 32-bit words in the writer's byte order, SIZE is its inflated length.  The inflated
 * bytes are an nvlist (nvlist.h).
 *
 * A token comes from the peer and may be forged, the checksum included.  A decoded
 * token shows what "zfs send -t" would do with it, not that this is allowed.  zfs looks
 * for both guids in the whole pool, whatever toname says: compare everything with the
 * request.  A token that zfs might understand differently (other characters, a name
 * twice or with another type, trailing bytes) is refused.
 */
#define RESUME_TOKEN_TEXT_MAX	65536	/* bytes */
#define RESUME_TOKEN_PACKED_MAX	65536	/* bytes, inflated */

/* How the stream was sent, and will be continued. */
enum resume_token_flag {
	RESUME_TOKEN_LARGE_BLOCKS = 1,	/* zfs send -L */
	RESUME_TOKEN_EMBEDDED = 2,	/* -e */
	RESUME_TOKEN_COMPRESSED = 4,	/* -c */
	RESUME_TOKEN_RAW = 8,		/* -w */
	RESUME_TOKEN_SAVED = 16,	/* -S */
	RESUME_TOKEN_REDACTED = 32	/* --redact */
};

/* The names of all but the last of these in a token, in the order of zfs(8). */
#define RESUME_TOKEN_NAMED_FLAGS	5

extern const struct resume_token_name {
	enum resume_token_flag flag;
	const char *name;		/* "rawok" */
} resume_token_names[RESUME_TOKEN_NAMED_FLAGS];

struct resume_token {
	uint64_t to_guid;
	uint64_t from_guid;		/* 0 without one */
	char filesystem[FS_NAME_MAX + 1];	/* of "toname", before the @ */
	char snapshot[FS_NAME_MAX + 1];		/* after it */
	uint64_t object;		/* where the stream continues */
	uint64_t offset;
	uint64_t bytes;			/* received so far; 0 if not told */
	unsigned flags;			/* of enum resume_token_flag */
};

/*
 * Is this "1-" and characters of [0-9a-f-], and not too long?  The minimum before it
 * may be put on a command line.  resume_token_decode() checks this too.
 */
bool	resume_token_plausible(const char *text);

/* -1 (EXIT_FAILED) with the reason: "resume token is ...". */
int	resume_token_decode(struct resume_token *token, const char *text,
	    struct error *error);

/*
 * The text of a token that zfs send -t takes, to be free(3)d; redacted and saved are not
 * written.  NULL (EXIT_SYSTEM): out of memory.
 */
char	*resume_token_encode(const struct resume_token *token, struct error *error);

#endif
