#ifndef ZR_LISTER_H
#define ZR_LISTER_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/listing.h"
#include "step/session.h"

/*
 * The whole listing of an endpoint, over a session (session.h): ListFilesystems, then
 * ListFilesystemVersions of each filesystem that is no placeholder.
 *
 *	lister_start(lister, now, &error);
 *	... session_handle() ...
 *	while ((reply = session_next(session)) != NULL)
 *		lister_take(lister, reply, now, &error);
 *	while ((entry = lister_next(lister, now, &error)) != NULL)
 *		...
 *
 * At most LISTER_AHEAD filesystems are asked for beyond the last one given out, so
 * that the others need no memory for their versions.
 */
#define LISTER_AHEAD 256

struct lister;

/*
 * only: list just these filesystems and those below them; count 0: all.  It is borrowed,
 * as the session is.  call_ms: the limit of each call.  NULL with errno: out of memory.
 */
struct lister *lister_new(struct session *session, char *const only[],
	    size_t count, int64_t call_ms);

/* -1 (EXIT_SYSTEM), as from the two below: out of memory. */
int	lister_start(struct lister *lister, int64_t now, struct error *error);

/* A reply of the session, which is taken over. */
int	lister_take(struct lister *lister, struct reply *reply, int64_t now,
	    struct error *error);

/*
 * The next filesystem in the order of listing.h, with its versions sorted; the caller
 * frees it with listing_entry_free().  *entry is NULL if it is not
 * known yet, and after the last one.
 */
int	lister_next(struct lister *lister, Listing **entry, int64_t now,
	    struct error *error);

/* Why ListFilesystems failed; NULL: it has not. */
const struct reply *lister_failure(const struct lister *lister);

/* Has every filesystem been given out, or is there nothing to come? */
bool	lister_done(const struct lister *lister);

/* Once the filesystems are known: the next of only[] that none of them matches; NULL. */
const char *lister_unmatched(const struct lister *lister, size_t *at);

void	lister_free(struct lister *lister);

#endif
