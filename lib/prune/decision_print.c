#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "message/json_text.h"
#include "prune/decision.h"

/* For each rule that keeps a snapshot: its index. */
#define FOR_EACH_RULE(i, retained, rules) \
	for (size_t i = 0; i < (rules)->count; i++) \
		if (((retained)->by >> i & 1) != 0)

/* Is this the grid that retained->bucket belongs to? */
static bool
is_first_grid(const struct retained *retained, const struct rules *rules,
    size_t rule)
{
	FOR_EACH_RULE(i, retained, rules)
		if (rules->rules[i].kind == RULE_GRID)
			return (i == rule);
	return (false);
}

/* --- JSON --- */

static int
print_rules(struct buffer *out, const struct retained *retained,
    const struct rules *rules)
{
	bool first = true, in_grid = false;

	if (json_text_raw(out, ",\"by\":[") == -1)
		return (-1);
	FOR_EACH_RULE(i, retained, rules) {
		if ((!first && json_text_raw(out, ",") == -1) ||
		    json_text_integer(out, (int64_t)i + 1) == -1)
			return (-1);
		first = false;
		in_grid = in_grid || rules->rules[i].kind == RULE_GRID;
	}
	if (json_text_raw(out, "]") == -1)
		return (-1);
	if (!in_grid)
		return (0);
	return (json_text_raw(out, ",\"bucket\":") == -1 ? -1 :
	    json_text_integer(out, (int64_t)retained->bucket));
}

static int
print_json(struct buffer *out, const struct decision *decision, size_t snapshot,
    const struct rules *rules, enum fate fate, const char *reason)
{
	const char *filesystem = decision->filesystem->filesystem;
	const char *keep = decision_goes(decision, snapshot) ? "false" : "true";

	if (json_text_raw(out, "{\"filesystem\":") == -1 ||
	    json_text_string(out, filesystem, strlen(filesystem)) == -1 ||
	    json_text_member(out, "snapshot",
	    decision->snapshots[snapshot]->name) == -1 ||
	    json_text_raw_member(out, "keep", keep) == -1 ||
	    print_rules(out, &decision->retained[snapshot], rules) == -1)
		return (-1);
	if (fate != FATE_DECIDED &&
	    json_text_raw_member(out, "destroyed",
	    fate == FATE_DESTROYED ? "true" : "false") == -1)
		return (-1);
	return (json_text_member(out, "error", reason) == -1 ? -1 :
	    json_text_raw(out, "}\n"));
}

/* --- text --- */

static int
say_rules(struct buffer *out, const struct retained *retained,
    const struct rules *rules)
{
	const char *before = ": kept by rule ";

	FOR_EACH_RULE(i, retained, rules) {
		if (quote_append(out, "%s%zu", before, i + 1) == -1)
			return (-1);
		if (is_first_grid(retained, rules, i) &&
		    quote_append(out, " (bucket %llu)",
		    (unsigned long long)retained->bucket) == -1)
			return (-1);
		before = ", ";
	}
	return (0);
}

static int
print_text(struct buffer *out, const struct decision *decision, size_t snapshot,
    const struct rules *rules, bool verbose, enum fate fate)
{
	const struct retained *retained = &decision->retained[snapshot];
	static const char *const ends[] = {
		[FATE_DECIDED] = ": no rule keeps it",
		[FATE_DESTROYED] = ": destroyed",
		[FATE_NOT_DESTROYED] = ": not destroyed"
	};

	if (quote_append(out, "%s@%s", decision->filesystem->filesystem,
	    retained->name) == -1)
		return (-1);
	if (verbose && (decision_goes(decision, snapshot) ?
	    json_text_raw(out, ends[fate]) :
	    say_rules(out, retained, rules)) == -1)
		return (-1);
	return (json_text_raw(out, "\n"));
}

int
decision_print(struct buffer *out, const struct decision *decision,
    size_t snapshot, const struct judgement *judgement,
    struct decision_style style, enum fate fate, const char *reason,
    struct error *error)
{
	const size_t before = buffer_length(out);

	if ((style.json ?
	    print_json(out, decision, snapshot, &judgement->rules, fate, reason) :
	    print_text(out, decision, snapshot, &judgement->rules,
	    style.verbose, fate)) == 0)
		return (0);
	buffer_truncate(out, before);
	return (error_errno(error, "cannot print a snapshot"));
}
