#ifndef ZR_PLAN_ORDER_H
#define ZR_PLAN_ORDER_H

#include "plan/plan.h"

/*
 * In which order the steps of many filesystems are run (zr-protocol(7), The plan).
 * Of those that have a step ready, the one whose next snapshot is the oldest comes
 * first, so that all advance evenly; the steps of one follow each other.  A filesystem
 * whose parent must be made first waits for the first step of that parent; if that
 * fails, so does everything below it.
 *
 *	while ((plan = plan_order_next(order, &step)) != NULL)
 *		... run plan->steps[step] ...
 *		plan_order_done(order, plan, worked);
 *
 * Several steps may be under way; of one filesystem never more than one.
 */
struct plan_order;

/*
 * Of count plans, sorted by their sender's names; they must outlive it.  A parent that
 * cannot be made has its children's plans turned into PLAN_PARENT errors here and in
 * plan_order_done().  NULL: out of memory.
 */
struct plan_order *plan_order_new(struct plan *plans, size_t count);

/*
 * The next step that can be run, now the caller's; NULL: none can before another one
 * is done, or all are.
 */
struct plan *plan_order_next(struct plan_order *order, size_t *step);

/* How many of them there are now. */
size_t	plan_order_ready(const struct plan_order *order);

/* That step has ended; one that failed is the plan's last. */
void	plan_order_done(struct plan_order *order, struct plan *plan, bool worked);

/*
 * Instead: that step has failed, and the plan was made anew since then; it begins with
 * its first step.  A plan without steps is done, and one that has failed is over.
 */
void	plan_order_again(struct plan_order *order, struct plan *plan);

void	plan_order_free(struct plan_order *order);

#endif
