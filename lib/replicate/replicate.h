#ifndef ZR_REPLICATE_H
#define ZR_REPLICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/plan_options.h"

/*
 * Every filesystem of one endpoint to another (zr-replicate(1)): both are listed, each
 * filesystem is planned, and the steps run, several at once, in one poll loop.  No byte
 * of a stream passes through here.
 *
 * Listings, completions and size estimates of a side share one session (session.h);
 * a step has an endpoint process on each side, joined by a pipe (transfer.h).
 */
struct replicate_options {
	const char *sender;		/* command strings */
	const char *receiver;
	char *const *filesystems;	/* only these and what is below them */
	size_t filesystem_count;	/* 0: all */
	struct plan_options plan;
	size_t parallel;		/* steps at once */
	size_t sizes;			/* SendDry calls at once; 0: none */
	size_t attempts;		/* in a row without progress */
	int64_t contact_ms;		/* how long a side may be out of reach */
	int64_t stall_ms;		/* how long a stream may stand still; 0: for ever */
	int64_t call_ms;		/* for one call */
	bool dry_run;
	bool json;
	bool quiet;
	bool verbose;
	int events;			/* a descriptor; -1: none */
	const char *job;		/* for the events; NULL: none */
	int64_t last_successful;	/* for the events (events_file.h) */
};

#define REPLICATE_DEFAULT ((struct replicate_options){ .plan = PLAN_OPTIONS_DEFAULT, \
	.parallel = 4, .attempts = 5, .contact_ms = 600 * 1000, \
	.stall_ms = 3600 * 1000, .call_ms = 600 * 1000, .events = -1 })

/* Do it, reporting on standard output and standard error.  Returns the exit code. */
int	replicate(const struct replicate_options *options);

#endif
