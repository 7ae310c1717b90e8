#ifndef ZR_EVENTS_H
#define ZR_EVENTS_H

#include "replicate/replication.h"

/*
 * The events of a run, a JSON object in each line (zr-replicate(1)), written at once.
 * Each function does nothing if no events were asked for, or after one failed: the run
 * ends then, and looks like one that died.
 */
void	events_start(struct replication *replication);
void	events_listed(struct replication *replication);
void	events_plan(struct replication *replication, const struct work *work);
void	events_size(struct replication *replication, const struct work *work,
	    size_t step);
void	events_begin(struct replication *replication, const struct work *work);
void	events_progress(struct replication *replication, const struct work *work,
	    uint64_t bytes);
void	events_step(struct replication *replication, const struct work *work);
void	events_retry(struct replication *replication, const struct work *work,
	    int64_t wait_ms);
void	events_filesystem(struct replication *replication,
	    const struct work *work);
void	events_summary(struct replication *replication, int code,
	    const char *text);

#endif
