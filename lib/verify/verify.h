#ifndef ZR_VERIFY_H
#define ZR_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/name_map.h"

/*
 * Do two endpoints hold the same snapshots (zr-verify(1))?  Both are listed, over a
 * session each (session.h); of each filesystem the newest snapshots that both can send in
 * full are chosen, and compared by what both send (comparison.h), several at once, in one
 * poll loop.  No byte of a stream passes through here, and nothing is changed.
 */
struct verify_options {
	const char *sender;		/* command strings */
	const char *receiver;
	char *const *operands;		/* FILESYSTEM or FILESYSTEM@SNAPSHOT, valid */
	size_t operand_count;		/* 0: all filesystems */
	struct name_map map;
	size_t snapshots;		/* of each filesystem */
	size_t parallel;		/* comparisons at once */
	size_t attempts;		/* of each comparison */
	int64_t call_ms;		/* for one call */
	int64_t stall_ms;		/* how long both may stand still; 0: for ever */
	bool json;
	bool quiet;
	bool verbose;
};

#define VERIFY_DEFAULT ((struct verify_options){ .snapshots = 1, .parallel = 2, \
	.attempts = 3, .call_ms = 600 * 1000, .stall_ms = 3600 * 1000 })

/*
 * Do it.  Returns the exit code; all that is to be said has been said then, on standard
 * output and standard error.
 */
int	verify(const struct verify_options *options);

#endif
