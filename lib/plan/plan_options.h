#ifndef ZR_PLAN_OPTIONS_H
#define ZR_PLAN_OPTIONS_H

#include "plan/name_map.h"
#include "plan/plan.h"

/* The options of planning, the same in every program that plans (zr-plan(1)). */
#define PLAN_OPTIONS "g:I:i:K:k:lm:x:"
#define PLAN_OPTIONS_USAGE \
    "[-g INITIAL[,INCREMENTAL]] [-I most_recent | all | fail] [-i REGEX] " \
    "[-k RULE | -K FILE] ... [-l] [-m FROM=TO] ... [-x REGEX]"

struct plan_options {
	struct plan_rules rules;
	struct name_map map;
};

#define PLAN_OPTIONS_DEFAULT ((struct plan_options){ .rules = PLAN_RULES_DEFAULT })

/*
 * Take one of these options, as getopt(3) returned it; text is its argument, in which
 * a comma may be overwritten.  1; 0: it is not one of these; -1 (EXIT_USAGE): its
 * argument is invalid, and the error names the option.
 */
int	plan_options_take(struct plan_options *options, int option, char *text,
	    struct error *error);

void	plan_options_free(struct plan_options *options);

#endif
