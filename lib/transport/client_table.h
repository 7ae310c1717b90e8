#ifndef ZR_CLIENT_TABLE_H
#define ZR_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/identity.h"
#include "transport/ucspi.h"

/*
 * The connections that zr-listen serves now, and how many more it may accept.
 * A connection is "new" until its client has shown that it knows the protocol.  New
 * connections have a cap of their own, and when a cap is reached the oldest of them is
 * ended: an honest client needs milliseconds, and one that only holds a place loses it.
 * Each is safe for CLIENT_NEW_MS, though: otherwise a flood would evict honest clients
 * too, and make us fork at its pace.  The next connection waits in the backlog for that
 * long.
 *
 * Nor may one identity hold all places.  If a program between us and the protocol
 * (zr-tls) finds out the identity, the client has none until then.  Pure.
 */
#define CLIENT_NEW_MS 500

struct client {
	pid_t pid;			/* its process; 0: free entry */
	int handshake;			/* its pipe to us (client_program.h); -1 */
	int64_t since;			/* ms */
	bool evicted;			/* has been told to go */
	char address[UCSPI_ADDRESS_SIZE];	/* "" on a unix socket */
	char identity[IDENTITY_MAX + 1];	/* "": none, or not known yet */
};

struct client_caps {
	size_t all;			/* connections */
	size_t per_identity;		/* of one identity; 0: no cap */
	size_t per_address;		/* of one address, without identity; 0: no cap */
	size_t new;			/* new ones */
};

struct client_table {
	struct client_caps caps;
	struct client *clients;		/* caps.all entries, and more for evicted ones */
	size_t size;
	size_t count;
};

enum client_verdict {
	CLIENT_TAKE,
	CLIENT_TAKE_EVICTING,		/* and evict *oldest for it */
	CLIENT_REFUSE,			/* its identity or address has reached a cap */
	CLIENT_WAIT			/* no place: leave it in the backlog */
};

int	client_table_init(struct client_table *table,
	    const struct client_caps *caps);
void	client_table_free(struct client_table *table);

/*
 * The time in ms at which another connection may be accepted; a time in the past means
 * at once.  INT64_MAX: only when a client has ended or is no longer new.
 */
int64_t	client_table_opens(const struct client_table *table);

/* Decide about an accepted connection; "" as identity: none. */
enum client_verdict client_table_judge(const struct client_table *table,
	    const char *address, const char *identity, struct client **oldest);

/* Enter it; client_table_opens() has said that there is room. */
struct client *client_table_add(struct client_table *table, pid_t pid,
	    int handshake, const char *address, const char *identity, int64_t now);

/*
 * Its identity has become known.  False if the identity has reached its cap: this
 * connection is now evicted.
 */
bool	client_table_identify(struct client_table *table, struct client *client,
	    const char *identity);

/* The number of connections of this identity or, with "", of this address without one. */
size_t	client_table_count(const struct client_table *table,
	    const char *address, const char *identity);

struct client *client_table_find(const struct client_table *table, pid_t pid);
void	client_table_remove(struct client_table *table, struct client *client);

#endif
