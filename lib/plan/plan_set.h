#ifndef ZR_PLAN_SET_H
#define ZR_PLAN_SET_H

#include "format/fs_name.h"
#include "plan/plan_options.h"

/*
 * The plans of all filesystems of a sender, in the order of its listing, each with its
 * name at the receiver and advice about renames.
 */
struct plan_set {
	struct plan *plans;		/* owned */
	size_t count;
	char (*destinations)[FS_NAME_MAX + 1];	/* owned; one for each plan */
};

/*
 * The listings are sorted and must outlive it.  -1 (EXIT_USAGE): two filesystems have
 * the same name at the receiver; (EXIT_SYSTEM): out of memory.
 */
int	plan_set_make(struct plan_set *set, const struct plan_options *options,
	    const struct listing *sender, const struct listing *receiver,
	    struct error *error);

void	plan_set_free(struct plan_set *set);

#endif
