#ifndef ZR_IDENTITY_TABLE_H
#define ZR_IDENTITY_TABLE_H

#include <stddef.h>

#include "base/error.h"
#include "transport/identity.h"

/*
 * The table from client addresses to client identities (zr-protocol(7), Transport,
 * tcp).
 *
 *	KEY=IDENTITY
 *
 * KEY is an IPv4 or IPv6 address or a prefix (ADDRESS/BITS), with %zone at the very
 * end if it has one, or the word "unix" for clients of a unix socket.  The longest
 * prefix wins; zones must be equal.  The identity of a prefix contains exactly one "*",
 * which stands for the client's address (and "-zone"); the identity of an address or of
 * "unix" contains none.  An IPv4 address and its v4-mapped form are the same; an IPv6
 * prefix never matches an IPv4 client.  Pure,
 * except identity_table_load().
 */
#define IDENTITY_TABLE_MAX	10000		/* entries */
#define IDENTITY_FILE_MAX	(1u << 20)	/* bytes */

struct identity_table;

struct identity_table *identity_table_new(void);	/* NULL: out of memory */
void	identity_table_free(struct identity_table *table);

/* One "KEY=IDENTITY"; a key given twice is an error (EXIT_USAGE). */
int	identity_table_add(struct identity_table *table, const char *text,
	    struct error *error);

/*
 * A file's contents: one entry per line; blank lines and lines that begin with # are
 * skipped.  Errors name the line.
 */
int	identity_table_add_lines(struct identity_table *table, const char *text,
	    size_t length, struct error *error);

/* What a table is made of: entries, a file, both, or neither. */
struct identity_source {
	const char *const *entries;	/* count of them */
	size_t count;
	const char *file;		/* NULL: none */
};

/*
 * Put a new table in place of *table.  -1: a mistake (EXIT_USAGE) or the system; *table
 * is as it was.  A source with neither entries nor file leaves *table as it is, too.
 */
int	identity_table_load(struct identity_table **table,
	    const struct identity_source *source, struct error *error);

/*
 * The identity of a client at this numeric address (with "%zone" if it has a scope; ""
 * for a unix socket).  -1 (EXIT_FAILED) if no entry matches or the resulting identity is
 * invalid.
 */
int	identity_table_find(const struct identity_table *table,
	    const char *address, char identity[IDENTITY_MAX + 1],
	    struct error *error);

#endif
