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
 * L is the number of bytes after the blank that follows it.  Pure: the
 * reader says how many more bytes may be read, so that not one of what
 * follows the banner is touched.
 */
#define BANNER_VERSION		7
#define BANNER_PREFIX_SIZE	11	/* the length and its blank */
#define BANNER_BODY_MAX		65536
#define BANNER_MAX		(BANNER_PREFIX_SIZE + BANNER_BODY_MAX)

/* What we send: version 7, no extensions. */
extern const char banner_ours[];

struct banner {
	int version;		/* 1..9999 */
	int extension_count;	/* 0..9998 */
	const char *extensions;	/* the lines, in the caller's bytes */
	size_t extensions_length;
};

/*
 * How many more bytes the banner surely has, given its first length bytes;
 * 0 when it is complete.  -1 as soon as the length field is none (EXIT_PROTOCOL).
 */
int	banner_missing(const char *bytes, size_t length, size_t *missing,
	    struct error *error);

/* Take a complete banner apart; -1 with the reason (EXIT_PROTOCOL). */
int	banner_parse(struct banner *banner, const char *bytes, size_t length,
	    struct error *error);

/* Equal versions; the error names both. */
int	banner_check(const struct banner *banner, struct error *error);

/*
 * What speaks like that, if not zrepl: "an SSH server", "an HTTP server", "a
 * TLS peer", ...; NULL if unknown.
 */
const char *banner_guess(const char *bytes, size_t length);

#endif
