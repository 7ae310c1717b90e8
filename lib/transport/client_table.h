#ifndef ZR_CLIENT_TABLE_H
#define ZR_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/identity.h"
#include "transport/ucspi.h"

/*
 * The connections that zr-listen serves now, and how many more it may take.
 * A connection is "new" until its client has shown that it knows the
 * protocol; those are capped on their own, and the oldest of them makes room
 * where a cap is reached: a client that means it needs milliseconds, one that
 * only holds a place loses it.  But each has CLIENT_NEW_MS first, or a flood
 * would sweep away the good with the bad, and fork as fast as it comes: the
 * next waits in the backlog for that long.
 *
 * Nor may one identity hold all places.  It may be known only later, to a
 * program between us and the protocol (zr-tls): until then the client has none.
 * Pure.
 */
#define CLIENT_NEW_MS 500

struct client {
	pid_t pid;			/* its process; 0: free entry */
	int handshake;			/* the pipe that says it is no longer new; -1 */
	int64_t since;			/* ms */
	bool evicted;			/* has been told to go */
	char address[UCSPI_ADDRESS_SIZE];	/* "" on a unix socket */
	char identity[IDENTITY_MAX + 1];	/* "": none, or not known yet */
};

struct client_caps {
	size_t all;			/* connections */
	size_t per_identity;		/* of one identity; 0: no cap */
	size_t per_address;		/* of one address, without one; 0: no cap */
	size_t new;			/* new ones */
};

struct client_table {
	struct client_caps caps;
	struct client *clients;		/* caps.all entries, more where evicted */
	size_t size;
	size_t count;
};

enum client_verdict {
	CLIENT_TAKE,
	CLIENT_TAKE_EVICTING,		/* *oldest has to go for it */
	CLIENT_REFUSE,			/* its identity, or address, has enough */
	CLIENT_WAIT			/* no place: leave it in the backlog */
};

int	client_table_init(struct client_table *table,
	    const struct client_caps *caps);
void	client_table_free(struct client_table *table);

/*
 * When another connection may be accepted, in ms; not later than now: at
 * once.  INT64_MAX: once a client has ended or is no longer new.
 */
int64_t	client_table_opens(const struct client_table *table);

/* What to do about an accepted connection; "" for an identity: none. */
enum client_verdict client_table_judge(const struct client_table *table,
	    const char *address, const char *identity, struct client **oldest);

/* Enter it; there is room where client_table_opens() said so. */
struct client *client_table_add(struct client_table *table, pid_t pid,
	    int handshake, const char *address, const char *identity, int64_t now);

/*
 * Its identity has become known.  False if that has enough connections: this one
 * is now evicted.
 */
bool	client_table_identify(struct client_table *table, struct client *client,
	    const char *identity);

/* How many connections this identity has, or, with "", this address without one. */
size_t	client_table_count(const struct client_table *table,
	    const char *address, const char *identity);

struct client *client_table_find(const struct client_table *table, pid_t pid);
void	client_table_remove(struct client_table *table, struct client *client);

#endif
