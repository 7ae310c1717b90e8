#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "format/rfc3339.h"
#include "plan/guid_index.h"
#include "watch/age.h"
#include "watch/check.h"

static const struct {
	const char *name;
	int exit_code;
} states[] = {
	[CHECK_OK] = { "ok", 0 },
	[CHECK_WARNING] = { "warning", 1 },
	[CHECK_UNKNOWN] = { "unknown", 3 },
	[CHECK_CRITICAL] = { "critical", 2 }
};

const char *
check_state_name(enum check_state state)
{
	return (states[state].name);
}

int
check_exit_code(enum check_state state)
{
	return (states[state].exit_code);
}

int64_t
check_age(const struct check_snapshot *snapshot, int64_t now)
{
	return (snapshot->creation > now ? 0 : now - snapshot->creation);
}

/* --- the snapshots --- */

/* It is in this state, if it was in no worse one. */
static void __attribute__((format(printf, 3, 4)))
say(struct check *check, enum check_state state, const char *format, ...)
{
	va_list arguments;

	if (state <= check->state)
		return;
	check->state = state;
	va_start(arguments, format);
	vsnprintf(check->message, sizeof(check->message), format, arguments);
	va_end(arguments);
	/* A character may have been cut. */
	utf8_sanitize(check->message, check->message, strlen(check->message));
}

/* 1: it is a snapshot whose name matches; 0; -1: the pattern cannot be matched. */
static int
counts(const struct check_rules *rules, const FilesystemVersion *version,
    struct error *error)
{
	if (!version_is_snapshot(version))
		return (0);
	if (rules->pattern == NULL)
		return (1);
	return (pattern_matches(rules->pattern, version->name, error));
}

static struct check_snapshot
dated(const FilesystemVersion *version)
{
	struct check_snapshot snapshot = { .version = version };

	rfc3339_parse(version->creation, &snapshot.creation);
	return (snapshot);
}

static void
keep_younger(struct check_snapshot *kept, const struct check_snapshot *other)
{
	if (kept->version == NULL || other->creation >= kept->creation)
		*kept = *other;
}

static bool
is_future(const struct check_rules *rules, const struct check_snapshot *snapshot)
{
	return (snapshot->creation > rules->now + CHECK_FUTURE);
}

/* False: it is not known which snapshots it has. */
static bool
look(struct check *check, const struct check_rules *rules,
    const Listing *filesystem)
{
	struct check_snapshot snapshot;
	struct error error;
	int matches;

	for (size_t i = 0; i < filesystem->n_versions; i++) {
		matches = counts(rules, filesystem->versions[i], &error);
		if (matches == -1) {
			say(check, CHECK_UNKNOWN, "%s", error.text);
			return (false);
		}
		if (matches == 0)
			continue;
		check->snapshots++;
		snapshot = dated(filesystem->versions[i]);
		if (is_future(rules, &snapshot)) {
			keep_younger(&check->future, &snapshot);
			continue;
		}
		keep_younger(&check->newest, &snapshot);
		if (check->oldest.version == NULL ||
		    snapshot.creation < check->oldest.creation)
			check->oldest = snapshot;
	}
	return (true);
}

/* --- the receiver's --- */

/* A snapshot of the receiver, by its guid, whose name there matches; or -1. */
static int
there(const struct check_rules *rules, const struct guid_index *index,
    const FilesystemVersion *version, struct error *error)
{
	const size_t at = guid_index_find_snapshot(index, version->guid);

	return (at == GUID_NOT_FOUND ? 0 :
	    counts(rules, index->versions[at], error));
}

/*
 * From the sender's newest version back: what it has before the first common one is
 * behind.  A bookmark that the sender kept of a snapshot is as good as that here.
 */
static int
go_back(struct check *check, const struct check_rules *rules,
    const Listing *filesystem, const struct guid_index *index,
    struct error *error)
{
	struct check_snapshot snapshot;
	bool met = false;
	int common, matches;

	for (size_t i = filesystem->n_versions; i-- > 0;) {
		common = there(rules, index, filesystem->versions[i], error);
		if (common == -1)
			return (-1);
		if (common == 1) {
			met = true;
			snapshot = dated(filesystem->versions[i]);
			if (!is_future(rules, &snapshot))
				keep_younger(&check->common, &snapshot);
		} else if (!met) {
			matches = counts(rules, filesystem->versions[i], error);
			if (matches == -1)
				return (-1);
			check->behind += (size_t)matches;
		}
	}
	return (0);
}

static void
count_behind(struct check *check)
{
	check->behind_seconds = -1;
	if (check->common.version == NULL)
		return;
	check->behind_seconds = 0;
	if (check->behind > 0 && check->newest.version != NULL &&
	    check->newest.creation > check->common.creation)
		check->behind_seconds = check->newest.creation -
		    check->common.creation;
}

static int
compare(struct check *check, const struct check_rules *rules,
    const Listing *filesystem, const struct listing *receiver,
    struct error *error)
{
	static const Listing nothing = LISTING__INIT;
	char name[FS_NAME_MAX + 1];
	struct guid_index index = { .count = 0 };
	const Listing *other;
	int result;

	if (name_map_apply(rules->map, filesystem->filesystem, name, error) == -1) {
		say(check, CHECK_UNKNOWN, "%s", error->text);
		return (0);
	}
	other = listing_find(receiver, name);
	if (other != NULL && other->error != NULL) {
		say(check, CHECK_UNKNOWN, "the receiver cannot list it: %s",
		    other->error->message);
		return (0);
	}
	if (guid_index_make(&index, other == NULL ? &nothing : other) == -1)
		return (error_errno(error, "snapshots"));
	result = go_back(check, rules, filesystem, &index, error);
	guid_index_free(&index);
	if (result == -1) {
		say(check, CHECK_UNKNOWN, "%s", error->text);
		return (0);
	}
	check->compared = true;
	count_behind(check);
	if (other == NULL)
		say(check, CHECK_CRITICAL, "the receiver does not have it");
	else if (other->isplaceholder)
		say(check, CHECK_CRITICAL, "the receiver has only a placeholder of it");
	return (0);
}

/* --- the limits --- */

static enum check_state
state_of(const struct check_limit *limit, int64_t value)
{
	if (limit->critical != CHECK_NO_LIMIT && value > limit->critical)
		return (CHECK_CRITICAL);
	if (limit->warning != CHECK_NO_LIMIT && value > limit->warning)
		return (CHECK_WARNING);
	return (CHECK_OK);
}

static void
judge_age(struct check *check, const struct check_rules *rules, const char *what,
    const struct check_snapshot *snapshot, const struct check_limit *limit)
{
	char age[AGE_SIZE];

	if (snapshot->version == NULL)
		return;
	say(check, state_of(limit, check_age(snapshot, rules->now)),
	    "%s %c%s is %s old", what,
	    version_is_snapshot(snapshot->version) ? '@' : '#',
	    snapshot->version->name,
	    age_text(age, check_age(snapshot, rules->now)));
}

static void
judge_behind(struct check *check, const struct check_rules *rules)
{
	char age[AGE_SIZE];

	if (check->common.version == NULL)
		say(check, CHECK_CRITICAL, "the receiver has %s that the sender "
		    "has, too", rules->pattern == NULL ? "no snapshot" :
		    "no matching snapshot");
	else
		say(check, state_of(&rules->behind, (int64_t)check->behind),
		    "the receiver is %zu snapshot%s behind, %s", check->behind,
		    check->behind == 1 ? "" : "s",
		    age_text(age, check->behind_seconds));
}

static void
judge_future(struct check *check, const struct check_rules *rules)
{
	const struct check_snapshot *future = &check->future;
	const bool alone = check->newest.version == NULL;
	char age[AGE_SIZE];

	if (future->version != NULL)
		say(check, alone ? CHECK_CRITICAL : CHECK_WARNING,
		    "%s@%s is dated %s in the future",
		    alone ? "there is no other snapshot, and " : "",
		    future->version->name,
		    age_text(age, future->creation - rules->now));
}

/* What is said first stands for the rest of the same state. */
static void
judge(struct check *check, const struct check_rules *rules)
{
	if (check->compared) {
		judge_age(check, rules, "the newest common snapshot",
		    &check->common, &rules->newest);
		judge_behind(check, rules);
	} else
		judge_age(check, rules, "the newest snapshot", &check->newest,
		    &rules->newest);
	judge_age(check, rules, "the oldest snapshot", &check->oldest,
	    &rules->oldest);
	judge_future(check, rules);
}

/* --- all of them --- */

static int
check_filesystem(struct check *check, const struct check_rules *rules,
    const Listing *filesystem, const struct listing *receiver,
    struct error *error)
{
	*check = (struct check){ .filesystem = filesystem->filesystem };
	if (filesystem->error != NULL) {
		say(check, CHECK_UNKNOWN, "it cannot be listed: %s",
		    filesystem->error->message);
		return (0);
	}
	check->known = look(check, rules, filesystem);
	if (!check->known)
		return (0);
	if (check->snapshots == 0)
		say(check, CHECK_CRITICAL, rules->pattern == NULL ?
		    "it has no snapshot" : "it has no snapshot that matches");
	if (receiver != NULL &&
	    compare(check, rules, filesystem, receiver, error) == -1)
		return (-1);
	/* Where the receiver is not known, the age of the common one is not either. */
	if (receiver == NULL || check->compared)
		judge(check, rules);
	return (0);
}

/* Is it worse than the other: by state, then by the age that matters? */
static bool
is_worse(const struct check *check, const struct check *other)
{
	const struct check_snapshot *a = check->compared ? &check->common :
	    &check->newest;
	const struct check_snapshot *b = other->compared ? &other->common :
	    &other->newest;

	if (check->state != other->state)
		return (check->state > other->state);
	if (a->version == NULL || b->version == NULL)
		return (a->version == NULL && b->version != NULL);
	return (a->creation < b->creation);
}

int
check_listing(struct check_set *set, const struct check_rules *rules,
    const struct listing *listing, const struct listing *receiver,
    struct error *error)
{
	struct check *check;

	*set = (struct check_set){ .count = 0 };
	set->checks = calloc(listing->count + 1, sizeof(*set->checks));
	if (set->checks == NULL)
		return (error_errno(error, "filesystems"));
	for (size_t i = 0; i < listing->count; i++) {
		if (listing->filesystems[i]->isplaceholder)
			continue;
		check = &set->checks[set->count];
		if (check_filesystem(check, rules, listing->filesystems[i],
		    receiver, error) == -1) {
			check_set_free(set);
			return (-1);
		}
		set->count++;
		set->states[check->state]++;
		if (set->worst == NULL || is_worse(check, set->worst))
			set->worst = check;
	}
	return (0);
}

void
check_set_free(struct check_set *set)
{
	free(set->checks);
	*set = (struct check_set){ .count = 0 };
}
