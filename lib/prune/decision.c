#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/rfc3339.h"
#include "format/zrepl_name.h"
#include "prune/decision.h"

#define AHEAD_SECONDS	3600	/* by which a snapshot may be dated after now */

static int
allocate(struct decision *decision, uint64_t **guids, struct error *error)
{
	const size_t room = decision->filesystem->n_versions + 1;

	decision->retained = calloc(room, sizeof(*decision->retained));
	decision->snapshots = calloc(room, sizeof(*decision->snapshots));
	*guids = calloc(room, sizeof(**guids));
	if (decision->retained == NULL || decision->snapshots == NULL ||
	    *guids == NULL)
		return (error_errno(error, "snapshots"));
	return (0);
}

/* Its errors cannot happen to a listing that was checked. */
static int
take_snapshots(struct decision *decision, uint64_t guids[], struct error *error)
{
	const Listing *filesystem = decision->filesystem;

	for (size_t i = 0; i < filesystem->n_versions; i++) {
		FilesystemVersion *version = filesystem->versions[i];
		struct retained *retained = &decision->retained[decision->count];

		if (!version_is_snapshot(version))
			continue;
		retained->name = version->name;
		retained->createtxg = version->createtxg;
		if (!rfc3339_parse(version->creation, &retained->creation))
			return (error_set(error, EXIT_FAILED, "@%s: Creation is not a "
			    "time in RFC 3339", version->name));
		guids[decision->count] = version->guid;
		decision->snapshots[decision->count++] = version;
	}
	return (0);
}

/* The newest cursor of the job. */
static bool
find_cursor(const Listing *sender, const char *job, uint64_t *found)
{
	enum zrepl_cursor kind;
	const char *of_job;
	uint64_t guid;

	for (size_t i = sender->n_versions; i-- > 0;) {
		const FilesystemVersion *version = sender->versions[i];

		if (version_is_snapshot(version) ||
		    !zrepl_cursor_parse(version->name, &kind, &guid, &of_job) ||
		    kind != ZREPL_CURSOR || guid != version->guid ||
		    strcmp(of_job, job) != 0)
			continue;
		*found = guid;
		return (true);
	}
	return (false);
}

static int
compare_names(const void *left, const void *right)
{
	return (strcmp(*(const char *const *)left, *(const char *const *)right));
}

/* A name listed twice could be kept and still be destroyed. */
static int
check_names(const struct decision *decision, struct error *error)
{
	const size_t count = decision->count;
	const char **names = calloc(count + 1, sizeof(*names));
	int result = 0;

	if (names == NULL)
		return (error_errno(error, "snapshots"));
	for (size_t i = 0; i < count; i++)
		names[i] = decision->retained[i].name;
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; result == 0 && i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			result = error_set(error, EXIT_FAILED, "@%s is listed twice",
			    names[i]);
	free(names);
	return (result);
}

static int
judge(struct decision *decision, const struct judgement *judgement,
    const Listing *sender, const uint64_t guids[], struct error *error)
{
	const struct rules *rules = &judgement->rules;
	uint64_t cursor = 0;
	int result;

	decision->has_cursor = judgement->job != NULL &&
	    find_cursor(sender, judgement->job, &cursor);
	retention_mark_replicated(decision->retained, guids, decision->count,
	    decision->has_cursor, cursor, rules);
	result = judgement->floor ?
	    retention_apply_floor(rules, decision->retained, decision->count,
	    judgement->now, error) :
	    retention_apply(rules, decision->retained, decision->count, error);
	for (size_t i = 0; result == 0 && i < decision->count; i++)
		decision->going += decision_goes(decision, i);
	return (result);
}

int
decision_make(struct decision *decision, const struct judgement *judgement,
    const Listing *filesystem, const Listing *sender, struct error *error)
{
	uint64_t *guids = NULL;
	int result;

	*decision = (struct decision){ .filesystem = filesystem };
	result = allocate(decision, &guids, error);
	if (result == 0)
		result = take_snapshots(decision, guids, error);
	if (result == 0)
		result = check_names(decision, error);
	if (result == 0)
		result = judge(decision, judgement, sender, guids, error);
	free(guids);
	if (result == -1)
		decision_free(decision);
	return (result);
}

bool
decision_goes(const struct decision *decision, size_t snapshot)
{
	return (decision->retained[snapshot].by == 0);
}

const char *
decision_objection(const struct decision *decision,
    const struct judgement *judgement, char text[DECISION_TEXT_SIZE])
{
	size_t youngest = 0;

	if (decision->going == 0)
		return (NULL);
	if (decision->going == decision->count) {
		snprintf(text, DECISION_TEXT_SIZE, "the rules keep none of its "
		    "%zu snapshot%s", decision->count,
		    decision->count == 1 ? "" : "s");
		return (text);
	}
	for (size_t i = 1; i < decision->count; i++)
		if (decision->retained[i].creation >
		    decision->retained[youngest].creation)
			youngest = i;
	if (judgement->floor || decision->retained[youngest].creation <=
	    judgement->now + AHEAD_SECONDS)
		return (NULL);
	snprintf(text, DECISION_TEXT_SIZE, "@%s is dated in the future, at %s, from "
	    "where the rules would count", decision->retained[youngest].name,
	    decision->snapshots[youngest]->creation);
	return (text);
}

void
decision_free(struct decision *decision)
{
	free(decision->retained);
	free(decision->snapshots);
	*decision = (struct decision){ .filesystem = NULL };
}
