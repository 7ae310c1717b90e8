#ifndef ZR_CHECK_H
#define ZR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/listing.h"
#include "plan/name_map.h"
#include "retention/pattern.h"

/*
 * Are the snapshots of a listing young enough, and replicated (zr-check(1))?  Pure:
 * listings, limits and the time go in, a state for each filesystem comes out.
 */
enum check_state {		/* from good to bad */
	CHECK_OK,
	CHECK_WARNING,
	CHECK_UNKNOWN,
	CHECK_CRITICAL,
	CHECK_STATES
};

/* "warning"; and what a monitor's plug-in exits with: 0, 1, 3, 2. */
const char *check_state_name(enum check_state state);
int	check_exit_code(enum check_state state);

/* A value that equals a limit is still OK. */
#define CHECK_NO_LIMIT	(-1)

struct check_limit {
	int64_t warning, critical;	/* or CHECK_NO_LIMIT */
};

/* A snapshot this much younger than the clock is as old as 0 s: clocks differ. */
#define CHECK_FUTURE	300		/* seconds */

struct check_rules {
	const struct pattern *pattern;	/* names of snapshots; NULL: all */
	const struct name_map *map;	/* the receiver's names */
	int64_t now;			/* seconds since the epoch */
	struct check_limit newest;	/* age, in seconds; of two listings: of the common one */
	struct check_limit oldest;
	struct check_limit behind;	/* snapshots that the receiver does not have */
};

/* A snapshot, and when it was taken. */
struct check_snapshot {
	const FilesystemVersion *version;	/* NULL: there is none */
	int64_t creation;
};

/* A filesystem that is no placeholder.  All of it points into the listings. */
struct check {
	const char *filesystem;
	enum check_state state;
	char message[1024];		/* why; "" if OK */
	bool known;			/* its snapshots could be listed and matched */
	size_t snapshots;		/* that match */
	struct check_snapshot newest;	/* not dated in the future, as are the next two */
	struct check_snapshot oldest;
	struct check_snapshot common;	/* the newest that the receiver has, too */
	struct check_snapshot future;	/* the one dated the latest, beyond CHECK_FUTURE */
	bool compared;			/* with the receiver, which could list it */
	size_t behind;
	int64_t behind_seconds;		/* from common to newest; -1: there is no common one */
};

struct check_set {
	struct check *checks;		/* owned; in the order of the listing */
	size_t count;
	size_t states[CHECK_STATES];	/* how many are in each */
	const struct check *worst;	/* NULL: there is no filesystem */
};

/* receiver NULL: there is one listing.  -1 (EXIT_SYSTEM): out of memory. */
int	check_listing(struct check_set *set, const struct check_rules *rules,
	    const struct listing *listing, const struct listing *receiver,
	    struct error *error);
void	check_set_free(struct check_set *set);

/* Its age in seconds; 0 if it is dated in the future. */
int64_t	check_age(const struct check_snapshot *snapshot, int64_t now);

#endif
