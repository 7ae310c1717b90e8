#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "prune/pruning.h"
#include "step/failure.h"

/* A result's snapshot is looked up by its name among those that were asked for. */
struct wanted {
	const char *name;
	size_t snapshot;		/* of the decision */
	bool answered;
};

static int
compare_wanted(const void *left, const void *right)
{
	return (strcmp(((const struct wanted *)left)->name,
	    ((const struct wanted *)right)->name));
}

/* --- the calls --- */

/* The next that go, PRUNE_CALL_MAX at most. */
static void
choose(struct target *target)
{
	const struct decision *decision = &target->decision;

	target->asked_count = 0;
	for (; target->next < decision->count &&
	    target->asked_count < PRUNE_CALL_MAX; target->next++)
		if (decision_goes(decision, target->next))
			target->asked[target->asked_count++] = target->next;
}

static void
call(struct pruning *pruning, struct target *target, int64_t now)
{
	DestroySnapshotsReq request = DESTROY_SNAPSHOTS_REQ__INIT;
	FilesystemVersion *snapshots[PRUNE_CALL_MAX];

	for (size_t i = 0; i < target->asked_count; i++)
		snapshots[i] = target->decision.snapshots[target->asked[i]];
	request.filesystem = target->filesystem->filesystem;
	request.snapshots = snapshots;
	request.n_snapshots = target->asked_count;
	if (session_call(pruning->endpoint, "DestroySnapshots", &request.base,
	    now + pruning->options->call_ms, target, &pruning->fatal) == -1)
		return;
	target->calling = true;
	pruning->calls++;
}

/* Nothing is left to be asked for. */
static void
finish(struct pruning *pruning, struct target *target)
{
	const char *name = target->filesystem->filesystem;

	if (target->in_use > 0)
		diag("%s: %zu snapshot%s in use, and stay%s", name, target->in_use,
		    target->in_use == 1 ? " is" : "s are",
		    target->in_use == 1 ? "s" : "");
	if (target->reasons.count > 0) {
		reasons_say(&target->reasons, name);
		pruning->failed = true;
	}
	TAILQ_REMOVE(&pruning->targets, target, entries);
	pruning->target_count--;
	target_free(target);
}

void
pruning_call(struct pruning *pruning, int64_t now)
{
	struct target *target, *next;

	for (target = TAILQ_FIRST(&pruning->targets); target != NULL &&
	    pruning->calls < PRUNE_CALLS && pruning->fatal.code == EXIT_DONE;
	    target = next) {
		next = TAILQ_NEXT(target, entries);
		if (target->calling)
			continue;
		choose(target);
		if (target->asked_count == 0)
			finish(pruning, target);
		else
			call(pruning, target, now);
	}
}

/* --- their results --- */

static void
fail(struct pruning *pruning, struct target *target, size_t snapshot,
    const char *text)
{
	pruning->counts.failed++;
	if (!reasons_add(&target->reasons,
	    target->decision.snapshots[snapshot]->name, text))
		error_errno(&pruning->fatal, "results");
	pruning_print(pruning, &target->decision, snapshot, FATE_NOT_DESTROYED,
	    text);
}

static void
take_result(struct pruning *pruning, struct target *target, size_t snapshot,
    const char *text)
{
	if (text[0] == '\0') {
		pruning->counts.destroyed++;
		pruning_print(pruning, &target->decision, snapshot,
		    FATE_DESTROYED, NULL);
	} else if (failure_is_in_use(text)) {
		target->in_use++;
		pruning->counts.in_use++;
		pruning_print(pruning, &target->decision, snapshot,
		    FATE_NOT_DESTROYED, text);
	} else
		fail(pruning, target, snapshot, text);
}

/* A result that nobody asked for: it says nothing about any snapshot. */
static void
take_stray(struct pruning *pruning, const struct target *target,
    const DestroySnapshotRes *result)
{
	pruning->failed = true;
	diag("%s: the endpoint gives a result for %s%s, which %s",
	    target->filesystem->filesystem, result->snapshot != NULL ? "@" : "",
	    result->snapshot != NULL ? result->snapshot->name : "no snapshot",
	    "was not asked for");
}

static void
take_results(struct pruning *pruning, struct target *target,
    const DestroySnapshotsRes *answer)
{
	struct wanted wanted[PRUNE_CALL_MAX], *found, key;
	bool stray = false;

	for (size_t i = 0; i < target->asked_count; i++)
		wanted[i] = (struct wanted){ .snapshot = target->asked[i],
		    .name = target->decision.snapshots[target->asked[i]]->name };
	qsort(wanted, target->asked_count, sizeof(wanted[0]), compare_wanted);
	for (size_t i = 0; i < answer->n_results; i++) {
		const DestroySnapshotRes *result = answer->results[i];

		key.name = result->snapshot != NULL ? result->snapshot->name : "";
		found = bsearch(&key, wanted, target->asked_count,
		    sizeof(wanted[0]), compare_wanted);
		if (found != NULL && !found->answered) {
			found->answered = true;
			take_result(pruning, target, found->snapshot,
			    result->error);
		} else if (!stray) {
			stray = true;
			take_stray(pruning, target, result);
		}
	}
	for (size_t i = 0; i < target->asked_count; i++)
		if (!wanted[i].answered)
			fail(pruning, target, wanted[i].snapshot,
			    "the endpoint gave no result for it");
}

/* The fate of these is unknown, and the rest is not asked for. */
static void
give_up(struct pruning *pruning, struct target *target, const struct error *why)
{
	const char *name = target->filesystem->filesystem;
	size_t left = 0;

	pruning->failed = true;
	for (size_t i = target->next; i < target->decision.count; i++)
		left += decision_goes(&target->decision, i);
	for (size_t i = 0; i < target->asked_count; i++)
		pruning_print(pruning, &target->decision, target->asked[i],
		    FATE_NOT_DESTROYED, why->text);
	diag("%s: %zu snapshot%s may not have been destroyed: %s", name,
	    target->asked_count, target->asked_count == 1 ? "" : "s", why->text);
	if (why->hint[0] != '\0' && strcmp(why->hint, pruning->shown) != 0)
		diag(DIAG_HINT "%s", why->hint);
	strlcpy(pruning->shown, why->hint, sizeof(pruning->shown));
	if (left > 0)
		diag("%s: %zu more were not tried", name, left);
	pruning->counts.failed += target->asked_count + left;
	target->next = target->decision.count;
}

void
pruning_take_destroyed(struct pruning *pruning, struct reply *reply)
{
	struct target *target = reply->context;

	target->calling = false;
	pruning->calls--;
	if (reply->answer == NULL)
		give_up(pruning, target, &reply->error);
	else
		take_results(pruning, target,
		    (const DestroySnapshotsRes *)reply->answer);
	session_reply_free(reply);
}
