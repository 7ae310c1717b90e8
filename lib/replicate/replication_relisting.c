#include <stdlib.h>
#include <string.h>

#include "format/resume_token.h"
#include "message/pbjson.h"
#include "replicate/replication.h"

/*
 * A filesystem whose step has failed is listed and planned again, up to the snapshot that
 * was its last when the run began: later ones are left to the next run.
 */

static bool
is_due(const struct replication *replication, const struct work *work, int64_t now)
{
	return (work->state == WORK_WAITING && !work->owes_completion &&
	    now >= work->again_at &&
	    !(work->was_stale && ahead_left(replication)));
}

void
relisting_start(struct replication *replication, int64_t now)
{
	const ListFilesystemReq request = LIST_FILESYSTEM_REQ__INIT;
	struct relisting *relisting = &replication->relisting;
	bool any = false;

	if (relisting->pending > 0 || replication->sides[SIDE_SENDER].lost ||
	    replication->sides[SIDE_RECEIVER].lost)
		return;
	for (size_t i = 0; i < replication->set.count; i++)
		if (is_due(replication, &replication->works[i], now)) {
			replication->works[i].state = WORK_RELISTING;
			any = true;
		}
	if (!any)
		return;
	relisting->pending = 1;
	side_call(replication, &replication->sides[SIDE_RECEIVER],
	    "ListFilesystems", &request.base,
	    now + replication->options->call_ms, relisting);
}

/* --- the plan --- */

/* The receiver's entry of it, as it is now; NULL: it has none. */
static const Filesystem *
find_at_receiver(const struct replication *replication, const struct work *work)
{
	const ListFilesystemRes *list =
	    (ListFilesystemRes *)replication->relisting.filesystems->answer;

	for (size_t i = 0; i < list->n_filesystems; i++)
		if (strcmp(list->filesystems[i]->path,
		    work->plan->destination) == 0)
			return (list->filesystems[i]);
	return (NULL);
}

/* Snapshots younger than the run are not for this run. */
static void
cut(Listing *ours, uint64_t target)
{
	size_t kept = 0;

	for (size_t i = 0; i < ours->n_versions; i++)
		if (ours->versions[i]->createtxg <= target)
			ours->versions[kept++] = ours->versions[i];
	ours->n_versions = kept;
}

static uint64_t
guid_of(const FilesystemVersion *version)
{
	return (version == NULL ? 0 : version->guid);
}

static const char *
token_of(const struct plan_step *step)
{
	return (step->resume_token == NULL ? "" : step->resume_token);
}

static void
forget_fresh(struct work *work)
{
	for (int i = 0; i < SIDES; i++) {
		listing_entry_free(work->fresh[i]);
		work->fresh[i] = NULL;
	}
}

/*
 * Has more been received of a step's stream than ever since it was begun?  A token
 * that merely differs is no progress: it could differ for ever.
 */
static bool
has_moved(struct work *work, const char *text, uint64_t guid)
{
	struct resume_token token;
	struct error ignored;

	if (text == NULL || resume_token_decode(&token, text, &ignored) == -1 ||
	    token.to_guid != guid || token.bytes <= work->received)
		return (false);
	work->received = token.bytes;
	return (true);
}

/* Plan it from what was listed; the former plan and its lists are freed. */
static void
plan_again(struct replication *replication, struct work *work, int64_t now)
{
	struct plan *plan = work->plan, anew;
	const struct plan_step *failed = &plan->steps[work->step], *first;
	bool same = false, moved = false;

	cut(work->fresh[SIDE_SENDER], work->target);
	if (plan_make(&anew, &replication->options->plan.rules,
	    work->fresh[SIDE_SENDER], work->fresh[SIDE_RECEIVER],
	    plan->destination, &replication->fatal) == -1)
		return;
	if (anew.step_count > 0) {
		first = anew.steps;
		same = guid_of(first->from) == guid_of(failed->from) &&
		    guid_of(first->to) == guid_of(failed->to);
		if (strcmp(token_of(first), token_of(failed)) != 0) {
			moved = has_moved(work, first->resume_token,
			    guid_of(failed->to));
			same = false;
		}
	}
	/* The answer that it arrived was lost: the former plan goes on. */
	if (anew.base != NULL && anew.base->guid == guid_of(failed->to)) {
		plan_free(&anew);
		forget_fresh(work);
		work_complete(replication, work, now);
		return;
	}
	plan_free(plan);
	*plan = anew;
	for (int i = 0; i < SIDES; i++) {
		listing_entry_free(work->relisted[i]);
		work->relisted[i] = work->fresh[i];
		work->fresh[i] = NULL;
	}
	free(work->sizes);
	work->sizes = NULL;
	work->plans++;
	work_on_plan(replication, work, same, moved);
}

/*
 * It could not be listed: begin again, or give up.  This counts as a failure, so that a
 * side that answers only Ping is not asked for ever.
 */
static void
put_back(struct replication *replication, struct work *work, int64_t now)
{
	const struct error why = replication->sides[work->unlisted_by].error;

	forget_fresh(work);
	work->unlisted = false;
	work_fail(replication, work, FAILURE_TRANSPORT, &why, now);
}

static void
finish(struct replication *replication, int64_t now)
{
	for (size_t i = 0; i < replication->set.count &&
	    replication->fatal.code == EXIT_DONE; i++) {
		struct work *work = &replication->works[i];

		if (work->state != WORK_RELISTING)
			continue;
		if (work->unlisted)
			put_back(replication, work, now);
		else
			plan_again(replication, work, now);
	}
	session_reply_free(replication->relisting.filesystems);
	replication->relisting.filesystems = NULL;
}

/* --- the lists --- */

static void
ask_versions(struct replication *replication, struct side *side,
    const char *filesystem, struct work *work, int64_t now)
{
	ListFilesystemVersionsReq request = LIST_FILESYSTEM_VERSIONS_REQ__INIT;

	request.filesystem = (char *)(uintptr_t)filesystem;
	replication->relisting.pending++;
	side_call(replication, side, "ListFilesystemVersions", &request.base,
	    now + replication->options->call_ms, work);
}

static void
ask_of(struct replication *replication, struct work *work, int64_t now)
{
	const Filesystem *there = find_at_receiver(replication, work);
	const char *name = work->plan->sender->filesystem;

	ask_versions(replication, &replication->sides[SIDE_SENDER], name, work,
	    now);
	if (there == NULL)
		return;
	if (!there->isplaceholder)
		ask_versions(replication, &replication->sides[SIDE_RECEIVER],
		    there->path, work, now);
	else
		work->fresh[SIDE_RECEIVER] = listing_entry(there, NULL, NULL,
		    &replication->fatal);
}

static void
take_filesystems(struct replication *replication, struct reply *reply,
    int64_t now)
{
	replication->relisting.filesystems = reply;
	for (size_t i = 0; i < replication->set.count; i++) {
		struct work *work = &replication->works[i];

		if (work->state != WORK_RELISTING)
			continue;
		if (reply->failure == FAILURE_NONE) {
			ask_of(replication, work, now);
			continue;
		}
		work->failure = reply->failure;
		work->unlisted = true;
		work->unlisted_by = SIDE_RECEIVER;
		if (reply->failure != FAILURE_TRANSPORT)
			work_give_up(replication, work, &reply->error);
	}
}

static void
take_versions(struct replication *replication, const struct side *side,
    struct reply *reply)
{
	struct work *work = reply->context;
	const bool ours = side == &replication->sides[SIDE_SENDER];
	Listing **entry = &work->fresh[ours ? SIDE_SENDER : SIDE_RECEIVER];
	Filesystem filesystem = FILESYSTEM__INIT;

	if (reply->failure == FAILURE_TRANSPORT) {
		work->unlisted = true;
		work->unlisted_by = ours ? SIDE_SENDER : SIDE_RECEIVER;
		return;
	}
	filesystem.path = work->plan->sender->filesystem;
	*entry = listing_entry(ours ? &filesystem :
	    find_at_receiver(replication, work),
	    (ListFilesystemVersionsRes *)reply->answer,
	    reply->answer == NULL ? &reply->error : NULL, &replication->fatal);
	reply->answer = NULL;
	if (*entry != NULL)
		listing_sort_versions(*entry);
}

void
relisting_take(struct replication *replication, struct side *side,
    struct reply *reply, int64_t now)
{
	struct relisting *relisting = &replication->relisting;

	if (reply->failure == FAILURE_TRANSPORT)
		side_lose(side, &reply->error, now);
	if (reply->context == relisting) {
		take_filesystems(replication, reply, now);
	} else {
		take_versions(replication, side, reply);
		session_reply_free(reply);
	}
	if (--relisting->pending == 0)
		finish(replication, now);
}
