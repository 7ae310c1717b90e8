#ifndef ZR_SIMULATION_H
#define ZR_SIMULATION_H

#include "prune/decision.h"

/*
 * What rules leave in the long run (zr-prune(1)): one snapshot an interval through the
 * whole span, with a pruning after each.  Prints the ages that are left, and their
 * number.  The names are the prefix and a time, as zr-snap(1) makes them.  The
 * judgement's own now is not used.
 */
#define SIMULATION_MAX	50000	/* snapshots */

struct simulation {
	const struct judgement *judgement;
	int64_t span, interval;		/* seconds; span / interval < SIMULATION_MAX */
	const char *prefix;
};

/* -1: as retention_apply(), or standard output cannot be written. */
int	simulation_run(const struct simulation *simulation, struct error *error);

#endif
