#ifndef ZR_PLAN_ORDER_H
#define ZR_PLAN_ORDER_H

#include "plan/plan.h"

/*
 * The order in which the steps of many filesystems are run (zr-protocol(7), The plan).
 * Of the filesystems with a step ready, that with the oldest next snapshot comes first,
 * so that all advance evenly.  A filesystem whose parent must be made first waits for the
 * first step of that parent; if that fails, so does everything below it.
 *
 *	while ((plan = plan_order_next(order, &step)) != NULL)
 *		... run plan->steps[step] ...
 *		plan_order_done(order, plan, worked);
 *
 * Several steps may be under way, but only one of each filesystem.
 */
struct plan_order;

/*
 * The order of count plans, which are sorted by the sender's names and must outlive it.
 * If a parent cannot be made, this and plan_order_done() turn the plans of its children
 * into PLAN_PARENT errors.  NULL: out of memory.
 */
struct plan_order *plan_order_new(struct plan *plans, size_t count);

/*
 * The next step that can be run, now the caller's; NULL: all are done, or the rest waits
 * for one under way.
 */
struct plan *plan_order_next(struct plan_order *order, size_t *step);

/* How many of them there are now. */
size_t	plan_order_ready(const struct plan_order *order);

/* That step has ended; one that failed is the plan's last. */
void	plan_order_done(struct plan_order *order, struct plan *plan, bool worked);

/*
 * Instead, after a step that failed, if the plan was made anew since: its first step is
 * next.  A plan without steps is done; one that has failed is over.
 */
void	plan_order_again(struct plan_order *order, struct plan *plan);

void	plan_order_free(struct plan_order *order);

#endif
