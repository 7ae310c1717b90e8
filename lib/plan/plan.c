#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/resume_token.h"
#include "format/rfc3339.h"
#include "plan/guid_index.h"
#include "plan/plan.h"
#include "plan/plan_retention.h"

struct maker {
	struct plan *plan;
	const struct plan_rules *rules;
	struct guid_index index;	/* of the sender's versions, */
	FilesystemVersion *const *ours;	/* which these are */
	size_t our_count;
	const FilesystemVersion **theirs;	/* the receiver's snapshots */
	size_t their_count;
	struct error *error;
};

/* --- steps --- */

static void
skip(struct maker *maker, const FilesystemVersion *version, const char *why)
{
	maker->plan->skipped[maker->plan->skipped_count++] =
	    (struct plan_skipped){ version, why };
}

static void
add_step(struct maker *maker, const FilesystemVersion *from,
    const FilesystemVersion *to, const char *token)
{
	maker->plan->steps[maker->plan->step_count++] =
	    (struct plan_step){ from, to, token };
}

/* Do the patterns let it be sent?  1, 0; -1: a pattern cannot be matched. */
static int
is_wanted(const struct maker *maker, const FilesystemVersion *version)
{
	const struct plan_rules *rules = maker->rules;
	int matches;

	if (rules->exclude != NULL && (matches = pattern_matches(rules->exclude,
	    version->name, maker->error)) != 0)
		return (matches == 1 ? 0 : -1);
	if (rules->include == NULL)
		return (1);
	return (pattern_matches(rules->include, version->name, maker->error));
}

/*
 * The sender's snapshots from index first on that are to be sent, in *wanted (room
 * for all of them); the others are skipped.  -1: a pattern cannot be matched.
 */
static int
choose(struct maker *maker, size_t first, const FilesystemVersion *before,
    const FilesystemVersion **wanted, size_t *count)
{
	const FilesystemVersion *version;
	int result;

	*count = 0;
	for (size_t i = first; i < maker->our_count; i++) {
		version = maker->ours[i];
		if (!version_is_snapshot(version) ||
		    (before != NULL && before->guid == version->guid))
			continue;
		result = is_wanted(maker, version);
		if (result == -1)
			return (-1);
		if (result == 0) {
			skip(maker, version, "excluded");
			continue;
		}
		wanted[(*count)++] = before = version;
	}
	return (0);
}

/*
 * Steps to the snapshots from index first on, the first one from base (NULL: a full
 * stream of it).  -1: out of memory, or a pattern cannot be matched.
 */
static int
add_path(struct maker *maker, const FilesystemVersion *base, size_t first)
{
	const bool only_newest = maker->rules->newest_only ||
	    (base == NULL && maker->rules->initial == PLAN_INITIAL_MOST_RECENT);
	const FilesystemVersion **wanted;
	size_t count, begin = 0;
	int result = -1;

	wanted = calloc(maker->our_count + 1, sizeof(*wanted));
	if (wanted == NULL)
		return (error_errno(maker->error, "plan"));
	if (choose(maker, first, base, wanted, &count) == -1)
		goto out;
	if (only_newest && count > 1) {
		begin = count - 1;
		for (size_t i = 0; i < begin; i++)
			skip(maker, wanted[i], "not the newest");
	}
	count -= begin;
	if (maker->rules->retention.count > 0 &&
	    plan_retention(maker->plan, &maker->rules->retention, maker->theirs,
	    maker->their_count, base, wanted + begin, &count, maker->error) == -1)
		goto out;
	for (size_t i = begin; i < begin + count; i++) {
		add_step(maker, base, wanted[i], NULL);
		base = wanted[i];
	}
	result = 0;
out:
	free(wanted);
	return (result);
}

/* --- conflicts --- */

/* The snapshots (and, of the sender, bookmarks) of a list that the other lacks. */
static int
list_ours(struct maker *maker, size_t first)
{
	struct plan_versions *list = &maker->plan->sender_only;

	list->versions = calloc(maker->our_count + 1, sizeof(*list->versions));
	if (list->versions == NULL)
		return (error_errno(maker->error, "plan"));
	for (size_t i = first; i < maker->our_count; i++)
		list->versions[list->count++] = maker->ours[i];
	return (0);
}

static int
list_theirs(struct maker *maker, size_t first)
{
	struct plan_versions *list = &maker->plan->receiver_only;

	list->versions = calloc(maker->their_count + 1, sizeof(*list->versions));
	if (list->versions == NULL)
		return (error_errno(maker->error, "plan"));
	for (size_t i = first; i < maker->their_count; i++)
		list->versions[list->count++] = maker->theirs[i];
	return (0);
}

/* Is every snapshot of the sender younger than this one of the receiver? */
static bool
created_anew(const struct maker *maker, const FilesystemVersion *newest)
{
	int64_t oldest, theirs;

	for (size_t i = 0; i < maker->our_count; i++)
		if (version_is_snapshot(maker->ours[i]))
			return (rfc3339_parse(maker->ours[i]->creation, &oldest) &&
			    rfc3339_parse(newest->creation, &theirs) &&
			    oldest > theirs);
	return (false);
}

/* The receiver has snapshots, but none that the sender has. */
static int
no_common(struct maker *maker)
{
	struct plan *plan = maker->plan;
	const FilesystemVersion *newest = maker->theirs[maker->their_count - 1];

	plan_fail(plan, PLAN_CONFLICT, PLAN_NO_COMMON, "the receiver has "
	    "snapshots, the newest @%s, but none that the sender has%s",
	    newest->name, created_anew(maker, newest) ? ", whose oldest is younger: the filesystem "
	    "was created anew" : "");
	plan_advise(plan, "on the receiver, rename or "
	    "destroy the filesystem; then it is sent in full");
	return (list_ours(maker, 0) == -1 || list_theirs(maker, 0) == -1 ? -1 : 0);
}

/* Beyond the base, ours[mine], the receiver's snapshots from theirs[newer] on. */
static int
diverged(struct maker *maker, size_t mine, size_t newer)
{
	struct plan *plan = maker->plan;

	plan_fail(plan, PLAN_CONFLICT, PLAN_DIVERGED, "diverged after @%s: the "
	    "receiver has %zu snapshot%s that the sender does not have, the "
	    "newest @%s", maker->theirs[newer - 1]->name,
	    maker->their_count - newer, maker->their_count - newer == 1 ? "" : "s",
	    maker->theirs[maker->their_count - 1]->name);
	plan_advise(plan, "on the receiver, rename the "
	    "filesystem to keep it, or roll it back to @%s (zfs rollback -r) to "
	    "lose what it alone has", maker->theirs[newer - 1]->name);
	return (list_ours(maker, mine + 1) == -1 ||
	    list_theirs(maker, newer) == -1 ? -1 : 0);
}

/* --- the plan --- */

/* Nothing of it is on the receiver. */
static int
plan_initial(struct maker *maker)
{
	struct plan *plan = maker->plan;
	bool snapshots = false;

	for (size_t i = 0; i < maker->our_count; i++)
		snapshots = snapshots || version_is_snapshot(maker->ours[i]);
	if (!snapshots) {
		plan_fail(plan, PLAN_CONFLICT, PLAN_ONLY_BOOKMARKS, "the sender has "
		    "only bookmarks: no snapshot that could be sent in full");
		return (0);
	}
	if (maker->rules->initial == PLAN_INITIAL_FAIL) {
		plan_fail(plan, PLAN_CONFLICT, PLAN_INITIAL_DISABLED, "the receiver "
		    "does not have it, and sending it for the first time is "
		    "disabled");
		return (0);
	}
	plan->verdict = PLAN_INITIAL;
	if (add_path(maker, NULL, 0) == -1)
		return (-1);
	if (plan->step_count == 0) {
		plan->verdict = PLAN_PLACEHOLDER;
		plan_say(plan, "every snapshot is excluded");
	}
	return (0);
}

/* Plan from the versions of both sides, whether or not there is a token. */
static int
plan_versions(struct maker *maker)
{
	struct plan *plan = maker->plan;
	size_t mine = GUID_NOT_FOUND, newer = maker->their_count;

	if (maker->their_count == 0)
		return (plan_initial(maker));
	for (; newer > 0; newer--) {
		mine = guid_index_find(&maker->index, maker->theirs[newer - 1]->guid);
		if (mine != GUID_NOT_FOUND)
			break;
	}
	if (mine == GUID_NOT_FOUND)
		return (no_common(maker));
	plan->base = maker->ours[mine];
	if (newer < maker->their_count)
		return (diverged(maker, mine, newer));
	if (add_path(maker, plan->base, mine + 1) == -1)
		return (-1);
	plan->verdict = plan->step_count > 0 ? PLAN_INCREMENTAL : PLAN_UP_TO_DATE;
	return (0);
}

/* The token is of no use (zr-plan(1)): plan as if there were none, and say so. */
static int
restart(struct maker *maker, const struct resume_token *token, const char *why)
{
	struct plan *plan = maker->plan;

	if (plan_versions(maker) == -1)
		return (-1);
	if (plan_failed(plan))
		return (0);
	if (plan->step_count > 0)
		plan->verdict = PLAN_RESTART;
	plan_say(plan, "the receiver holds part "
	    "of @%s, but %s: it cannot be continued", token->snapshot, why);
	return (0);
}

static int
plan_token(struct maker *maker)
{
	struct plan *plan = maker->plan;
	const char *const text = plan->receiver->resumetoken;
	struct resume_token token;
	struct error error;
	size_t to, from = GUID_NOT_FOUND;
	int wanted;

	if (resume_token_decode(&token, text, &error) == -1) {
		plan_fail(plan, PLAN_ERROR, PLAN_TOKEN, "the receiver's %s",
		    error.text);
		plan_advise(plan, "on the receiver, give up the partial state "
		    "(zfs receive -A)");
		return (0);
	}
	if (token.from_guid == token.to_guid) {
		plan_fail(plan, PLAN_ERROR, PLAN_TOKEN, "the receiver's resume token "
		    "is of an increment from @%s to itself", token.snapshot);
		return (0);
	}
	/* No sender continues it, though zfs send -t would (zr-protocol(7)). */
	if (strcmp(token.filesystem, plan->sender->filesystem) != 0)
		return (restart(maker, &token, "it was broken off under another name"));
	to = guid_index_find_snapshot(&maker->index, token.to_guid);
	if (to == GUID_NOT_FOUND)
		return (restart(maker, &token, "the sender no longer has it"));
	if (token.from_guid != 0 &&
	    (from = guid_index_find(&maker->index, token.from_guid)) == GUID_NOT_FOUND)
		return (restart(maker, &token,
		    "the sender no longer has what it is an increment of"));
	wanted = is_wanted(maker, maker->ours[to]);
	if (wanted == -1)
		return (-1);
	if (wanted == 0)
		return (restart(maker, &token, "it is excluded now"));
	plan->verdict = PLAN_RESUME;
	plan->base = from != GUID_NOT_FOUND ? maker->ours[from] : NULL;
	add_step(maker, plan->base, maker->ours[to], text);
	return (add_path(maker, maker->ours[to], to + 1));
}

/* The receiver's snapshots; its bookmarks play no part. */
static int
take_theirs(struct maker *maker)
{
	const Listing *receiver = maker->plan->receiver;

	if (receiver == NULL || receiver->isplaceholder || receiver->n_versions == 0)
		return (0);
	maker->theirs = calloc(receiver->n_versions, sizeof(*maker->theirs));
	if (maker->theirs == NULL)
		return (-1);
	for (size_t i = 0; i < receiver->n_versions; i++)
		if (version_is_snapshot(receiver->versions[i]))
			maker->theirs[maker->their_count++] = receiver->versions[i];
	return (0);
}

/* Decide what needs no comparison of versions; true: that was all. */
static bool
is_settled(struct plan *plan)
{
	const Listing *sender = plan->sender, *receiver = plan->receiver;
	const bool exists = receiver != NULL && !receiver->isplaceholder;

	if (sender->error != NULL || (receiver != NULL && receiver->error != NULL))
		plan_fail(plan, PLAN_ERROR, PLAN_LISTING, "%s: %s",
		    sender->error != NULL ? "the sender" : "the receiver",
		    sender->error != NULL ? sender->error->message :
		    receiver->error->message);
	else if (sender->isplaceholder && exists)
		plan_fail(plan, PLAN_CONFLICT, PLAN_PLACEHOLDER_HERE, "it is only a "
		    "placeholder on the sender, but a filesystem on the receiver");
	else if (sender->isplaceholder)
		plan->verdict = PLAN_PLACEHOLDER;
	else if (sender->n_versions > 0)
		return (false);
	else if (exists && receiver->n_versions > 0)
		plan_fail(plan, PLAN_CONFLICT, PLAN_SENDER_EMPTY, "the sender has no "
		    "version of it, but the receiver has %zu",
		    receiver->n_versions);
	else {
		plan->verdict = PLAN_PLACEHOLDER;
		plan_say(plan, "the sender has no snapshot of it");
	}
	return (true);
}

int
plan_make(struct plan *plan, const struct plan_rules *rules,
    const Listing *sender, const Listing *receiver, const char *destination,
    struct error *error)
{
	struct maker maker = { .plan = plan, .rules = rules, .error = error,
	    .ours = sender->versions, .our_count = sender->n_versions };
	int result;

	*plan = (struct plan){ .sender = sender, .receiver = receiver,
	    .destination = destination };
	if (is_settled(plan))
		return (0);
	*error = (struct error){ .code = EXIT_DONE };
	plan->steps = calloc(sender->n_versions, sizeof(*plan->steps));
	plan->skipped = calloc(sender->n_versions, sizeof(*plan->skipped));
	if (plan->steps == NULL || plan->skipped == NULL ||
	    guid_index_make(&maker.index, sender) == -1 ||
	    take_theirs(&maker) == -1)
		result = error_errno(error, "plan");
	else if (receiver != NULL && receiver->resumetoken[0] != '\0')
		result = plan_token(&maker);
	else
		result = plan_versions(&maker);
	guid_index_free(&maker.index);
	free(maker.theirs);
	if (result == -1 && error->code == EXIT_FAILED) {
		plan_fail(plan, PLAN_ERROR, PLAN_PATTERN, "%s", error->text);
		return (0);
	}
	if (result == -1)
		plan_free(plan);
	return (result);
}
