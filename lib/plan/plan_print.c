#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "message/json_text.h"
#include "message/pbjson.h"
#include "plan/plan_print.h"

static const char *const verdicts[] = {
	[PLAN_UP_TO_DATE] = "up-to-date",
	[PLAN_INCREMENTAL] = "incremental",
	[PLAN_INITIAL] = "initial",
	[PLAN_RESUME] = "resume",
	[PLAN_RESTART] = "restart",
	[PLAN_PLACEHOLDER] = "placeholder",
	[PLAN_CONFLICT] = "conflict",
	[PLAN_ERROR] = "error"
};

static const char *const problems[] = {
	[PLAN_NO_PROBLEM] = "",
	[PLAN_NO_COMMON] = "no-common",
	[PLAN_DIVERGED] = "diverged",
	[PLAN_SENDER_EMPTY] = "sender-empty",
	[PLAN_ONLY_BOOKMARKS] = "only-bookmarks",
	[PLAN_INITIAL_DISABLED] = "initial-disabled",
	[PLAN_TOKEN] = "token",
	[PLAN_PLACEHOLDER_HERE] = "placeholder",
	[PLAN_LISTING] = "listing",
	[PLAN_PARENT] = "parent",
	[PLAN_PATTERN] = "pattern"
};

const char *
plan_verdict_name(const struct plan *plan)
{
	return (verdicts[plan->verdict]);
}

static int
cannot_print(struct error *error)
{
	return (error_errno(error, "cannot print the plan"));
}

/* --- JSON --- */

static int
append_request(struct buffer *out, const struct plan *plan,
    const struct plan_step *step, const struct plan_rules *rules,
    struct error *error)
{
	struct plan_request request;

	plan_request(&request, plan, step, rules);
	return (pbjson_append(out, &request.request.base, error));
}

int
plan_print_request(struct buffer *out, const struct plan *plan,
    const struct plan_step *step, const struct plan_rules *rules,
    struct error *error)
{
	if (append_request(out, plan, step, rules, error) == -1)
		return (-1);
	return (json_text_raw(out, "\n") == -1 ? cannot_print(error) : 0);
}

static int
append_steps(struct buffer *out, const struct plan *plan,
    const struct plan_rules *rules, struct error *error)
{
	if (json_text_raw_member(out, "steps", "[") == -1)
		return (cannot_print(error));
	for (size_t i = 0; i < plan->step_count; i++) {
		if (i > 0 && json_text_raw(out, ",") == -1)
			return (cannot_print(error));
		if (append_request(out, plan, &plan->steps[i], rules, error) == -1)
			return (-1);
	}
	return (json_text_raw(out, "]") == -1 ? cannot_print(error) : 0);
}

static int
append_skipped(struct buffer *out, const struct plan *plan, struct error *error)
{
	const struct plan_skipped *skipped;
	const char *name;

	if (json_text_raw_member(out, "skipped", "[") == -1)
		return (cannot_print(error));
	for (size_t i = 0; i < plan->skipped_count; i++) {
		skipped = &plan->skipped[i];
		name = skipped->version->name;
		if (json_text_raw(out, i > 0 ? ",{\"snapshot\":" :
		    "{\"snapshot\":") == -1 ||
		    json_text_string(out, name, strlen(name)) == -1 ||
		    json_text_member(out, "why", skipped->why) == -1 ||
		    json_text_raw(out, "}") == -1)
			return (cannot_print(error));
	}
	return (json_text_raw(out, "]") == -1 ? cannot_print(error) : 0);
}

static int
append_versions(struct buffer *out, const char *key,
    const struct plan_versions *list, struct error *error)
{
	if (json_text_raw_member(out, key, "[") == -1)
		return (cannot_print(error));
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0 && json_text_raw(out, ",") == -1)
			return (cannot_print(error));
		if (pbjson_append(out, &list->versions[i]->base, error) == -1)
			return (-1);
	}
	return (json_text_raw(out, "]") == -1 ? cannot_print(error) : 0);
}

static int
append_conflict(struct buffer *out, const struct plan *plan, struct error *error)
{
	if (json_text_raw(out, ",\"conflict\":{\"kind\":") == -1 ||
	    json_text_string(out, problems[plan->problem],
	    strlen(problems[plan->problem])) == -1 ||
	    json_text_member(out, "common", plan->base != NULL ?
	    plan->base->name : NULL) == -1)
		return (cannot_print(error));
	if (append_versions(out, "sender_only", &plan->sender_only, error) == -1 ||
	    append_versions(out, "receiver_only", &plan->receiver_only,
	    error) == -1)
		return (-1);
	return (json_text_raw(out, "}") == -1 ? cannot_print(error) : 0);
}

static const char *
not_empty(const char *text)
{
	return (text[0] != '\0' ? text : NULL);
}

int
plan_print_json(struct buffer *out, const struct plan *plan,
    const struct plan_rules *rules, struct error *error)
{
	if (json_text_raw(out, "{\"filesystem\":") == -1 ||
	    json_text_string(out, plan->sender->filesystem,
	    strlen(plan->sender->filesystem)) == -1 ||
	    json_text_member(out, "destination", plan->destination) == -1 ||
	    json_text_member(out, "verdict", plan_verdict_name(plan)) == -1 ||
	    json_text_member(out, "to", plan->step_count > 0 ?
	    plan->steps[plan->step_count - 1].to->name : NULL) == -1 ||
	    (plan->base != NULL && json_text_raw(out, ",\"base\":") == -1))
		return (cannot_print(error));
	if (plan->base != NULL && pbjson_append(out, &plan->base->base, error) == -1)
		return (-1);
	if (append_steps(out, plan, rules, error) == -1 ||
	    append_skipped(out, plan, error) == -1 ||
	    (plan_failed(plan) && append_conflict(out, plan, error) == -1))
		return (-1);
	if (json_text_member(out, "message", not_empty(plan->message)) == -1 ||
	    json_text_member(out, "advice", not_empty(plan->advice)) == -1 ||
	    json_text_raw(out, "}\n") == -1)
		return (cannot_print(error));
	return (0);
}

/* --- for people --- */

static int
say_steps(struct buffer *out, const struct plan *plan)
{
	const struct plan_step *first = plan->steps;
	const struct plan_step *last = plan->steps + plan->step_count - 1;
	const char *const begin = first->resume_token != NULL ? "the rest of " : "";

	if (quote_append(out, ": %zu step%s: ", plan->step_count,
	    plan->step_count == 1 ? "" : "s") == -1)
		return (-1);
	if ((first->from == NULL ?
	    quote_append(out, "%s@%s in full", begin, first->to->name) :
	    quote_append(out, "%s%c%s to @%s", begin,
	    version_is_snapshot(first->from) ? '@' : '#', first->from->name,
	    first->to->name)) == -1)
		return (-1);
	return (last == first ? 0 : quote_append(out, ", then to @%s", last->to->name));
}

int
plan_print_text(struct buffer *out, const struct plan *plan, bool verbose,
    struct error *error)
{
	if (quote_append(out, "%s: %s", plan->sender->filesystem,
	    plan_verdict_name(plan)) == -1 ||
	    (plan->step_count > 0 && say_steps(out, plan) == -1) ||
	    (plan->message[0] != '\0' &&
	    quote_append(out, ": %s", plan->message) == -1) ||
	    (plan->advice[0] != '\0' &&
	    quote_append(out, " (%s)", plan->advice) == -1) ||
	    json_text_raw(out, "\n") == -1)
		return (cannot_print(error));
	for (size_t i = 0; verbose && i < plan->skipped_count; i++)
		if (quote_append(out, "    %s@%s: %s", plan->sender->filesystem,
		    plan->skipped[i].version->name, plan->skipped[i].why) == -1 ||
		    json_text_raw(out, "\n") == -1)
			return (cannot_print(error));
	return (0);
}
