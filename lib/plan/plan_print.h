#ifndef ZR_PLAN_PRINT_H
#define ZR_PLAN_PRINT_H

#include "base/buffer.h"
#include "plan/plan.h"

/*
 * A plan as text: for zr-plan's output.  Each function appends whole lines to a
 * buffer; -1 with the error where that is not possible.
 */
#define PLAN_TEXT_MAX ((size_t)1 << 30)	/* bytes, of one plan */

/* "up-to-date", ... */
const char *plan_verdict_name(const struct plan *plan);

/* The SendReq of a step, as the line of JSON that an endpoint reads. */
int	plan_print_request(struct buffer *out, const struct plan *plan,
	    const struct plan_step *step, const struct plan_rules *rules,
	    struct error *error);

/* All of it, as an object in one line (zr-plan(1)). */
int	plan_print_json(struct buffer *out, const struct plan *plan,
	    const struct plan_rules *rules, struct error *error);

/*
 * One line for people; verbose: a line for each snapshot that is skipped, too.  What
 * peers wrote is encoded.
 */
int	plan_print_text(struct buffer *out, const struct plan *plan, bool verbose,
	    struct error *error);

#endif
