#include <stdlib.h>
#include <string.h>

#include "message/pbjson.h"
#include "plan/lister.h"

struct place {
	const Filesystem *filesystem;
	Listing *entry;			/* NULL: not known, or given out */
};

struct lister {
	struct session *session;
	char *const *only;
	size_t only_count;
	int64_t call_ms;
	struct reply *answer;		/* of ListFilesystems; owned */
	struct place *places;		/* sorted */
	size_t count;
	size_t begun;			/* of these, asked for */
	size_t given;			/* of these, given out */
};

struct lister *
lister_new(struct session *session, char *const only[], size_t count,
    int64_t call_ms)
{
	struct lister *lister = calloc(1, sizeof(*lister));

	if (lister != NULL)
		*lister = (struct lister){ .session = session, .only = only,
		    .only_count = count, .call_ms = call_ms };
	return (lister);
}

int
lister_start(struct lister *lister, int64_t now, struct error *error)
{
	const ListFilesystemReq request = LIST_FILESYSTEM_REQ__INIT;

	return (session_call(lister->session, "ListFilesystems", &request.base,
	    now + lister->call_ms, lister, error));
}

/* --- the filesystems --- */

static bool
covers(const char *name, const char *filesystem)
{
	return (strcmp(name, filesystem) == 0 ||
	    listing_is_below(filesystem, name));
}

static bool
is_wanted(const struct lister *lister, const char *filesystem)
{
	for (size_t i = 0; i < lister->only_count; i++)
		if (covers(lister->only[i], filesystem))
			return (true);
	return (lister->only_count == 0);
}

static int
compare_places(const void *left, const void *right)
{
	return (listing_compare_names(
	    ((const struct place *)left)->filesystem->path,
	    ((const struct place *)right)->filesystem->path));
}

/* A filesystem listed twice would be planned twice. */
static int
check_names(const struct lister *lister)
{
	const char *role = session_role(lister->session), *name;
	struct error *why = &lister->answer->error;

	for (size_t i = 0; i < lister->count; i++) {
		name = lister->places[i].filesystem->path;
		if (name[0] == '\0')
			return (error_set(why, EXIT_PROTOCOL, "%s: it lists a "
			    "filesystem without a name", role));
		if (i > 0 && compare_places(&lister->places[i - 1],
		    &lister->places[i]) == 0)
			return (error_set(why, EXIT_PROTOCOL,
			    "%s: it lists %s twice", role, name));
	}
	return (0);
}

/* The answer of ListFilesystems is in. */
static int
take_filesystems(struct lister *lister, struct reply *reply, struct error *error)
{
	const ListFilesystemRes *list = (ListFilesystemRes *)reply->answer;

	lister->answer = reply;
	if (list == NULL)
		return (0);
	lister->places = calloc(list->n_filesystems + 1, sizeof(*lister->places));
	if (lister->places == NULL)
		return (error_errno(error, "listing"));
	for (size_t i = 0; i < list->n_filesystems; i++)
		if (is_wanted(lister, list->filesystems[i]->path))
			lister->places[lister->count++].filesystem =
			    list->filesystems[i];
	qsort(lister->places, lister->count, sizeof(*lister->places),
	    compare_places);
	if (check_names(lister) == -1) {
		reply->failure = FAILURE_OTHER;
		lister->count = 0;
	}
	return (0);
}

/* --- their versions --- */

static int
begin(struct lister *lister, struct place *place, int64_t now,
    struct error *error)
{
	ListFilesystemVersionsReq request = LIST_FILESYSTEM_VERSIONS_REQ__INIT;

	if (place->filesystem->isplaceholder) {
		place->entry = listing_entry(place->filesystem, NULL, NULL, error);
		return (place->entry == NULL ? -1 : 0);
	}
	request.filesystem = place->filesystem->path;
	return (session_call(lister->session, "ListFilesystemVersions",
	    &request.base, now + lister->call_ms, place, error));
}

static int
begin_more(struct lister *lister, int64_t now, struct error *error)
{
	while (lister->begun < lister->count &&
	    lister->begun < lister->given + LISTER_AHEAD)
		if (begin(lister, &lister->places[lister->begun++], now,
		    error) == -1)
			return (-1);
	return (0);
}

static int
take_versions(struct reply *reply, struct error *error)
{
	struct place *place = reply->context;

	place->entry = listing_entry(place->filesystem,
	    (ListFilesystemVersionsRes *)reply->answer,
	    reply->answer == NULL ? &reply->error : NULL, error);
	reply->answer = NULL;
	session_reply_free(reply);
	if (place->entry == NULL)
		return (-1);
	listing_sort_versions(place->entry);
	return (0);
}

int
lister_take(struct lister *lister, struct reply *reply, int64_t now,
    struct error *error)
{
	if (reply->context != lister)
		return (take_versions(reply, error));
	return (take_filesystems(lister, reply, error) == -1 ? -1 :
	    begin_more(lister, now, error));
}

int
lister_next(struct lister *lister, Listing **entry, int64_t now,
    struct error *error)
{
	*entry = NULL;
	if (lister->given == lister->begun)
		return (0);
	*entry = lister->places[lister->given].entry;
	if (*entry == NULL)
		return (0);
	lister->places[lister->given++].entry = NULL;
	return (begin_more(lister, now, error));
}

const struct reply *
lister_failure(const struct lister *lister)
{
	return (lister->answer == NULL || lister->answer->failure == FAILURE_NONE ?
	    NULL : lister->answer);
}

bool
lister_done(const struct lister *lister)
{
	return (lister->answer != NULL && lister->given == lister->count);
}

const char *
lister_unmatched(const struct lister *lister, size_t *at)
{
	const char *name;
	bool matched;

	while (*at < lister->only_count) {
		name = lister->only[(*at)++];
		matched = false;
		for (size_t i = 0; i < lister->count && !matched; i++)
			matched = covers(name, lister->places[i].filesystem->path);
		if (!matched)
			return (name);
	}
	return (NULL);
}

void
lister_free(struct lister *lister)
{
	if (lister == NULL)
		return;
	for (size_t i = 0; i < lister->count; i++)
		listing_entry_free(lister->places[i].entry);
	free(lister->places);
	session_reply_free(lister->answer);
	free(lister);
}
