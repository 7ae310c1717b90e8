#ifndef ZR_BANNER_H
#define ZR_BANNER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * The version banner that both sides send first (zr-protocol(7),
 * Version handshake):
 *
 *	LLLLLLLLLL ZREPL_ZFS_REPLICATION PROTOVERSION=vvvv EXTENSIONS=eeee\n
 *	<eeee lines>
 *
 * L is the number of bytes after the blank that follows it.  Pure: banner_missing()
 * says how many more bytes may be read, so that no byte after the banner is.
 */
#define BANNER_VERSION		7
#define BANNER_PREFIX_SIZE	11	/* the length and its blank */
#define BANNER_BODY_MAX		65536
#define BANNER_MAX		(BANNER_PREFIX_SIZE + BANNER_BODY_MAX)

#define BANNER_OURS_MAX		256	/* bytes, with its NUL */

/*
 * Our own banner: version 7, with this extension, a short line without its newline;
 * NULL: none, as zrepl's.
 */
void	banner_ours(char out[BANNER_OURS_MAX], const char *extension);

struct banner {
	int version;		/* 1..9999 */
	int extension_count;	/* 0..9998 */
	const char *extensions;	/* the lines, in the caller's bytes */
	size_t extensions_length;
};

/*
 * Given the banner's first length bytes: the number of bytes that certainly follow, or
 * 0 if it is complete.  -1 as soon as the length field is invalid (EXIT_PROTOCOL).
 */
int	banner_missing(const char *bytes, size_t length, size_t *missing,
	    struct error *error);

/* Parse a complete banner; -1 with the reason (EXIT_PROTOCOL). */
int	banner_parse(struct banner *banner, const char *bytes, size_t length,
	    struct error *error);

/* Is the peer's version ours?  The error names both. */
int	banner_check(const struct banner *banner, struct error *error);

/*
 * The likely kind of a peer that does not speak zrepl's protocol: "an SSH server", "an
 * HTTP server", "a TLS peer", ...; NULL if unknown.
 */
const char *banner_guess(const char *bytes, size_t length);

#endif
