/*
 * DestroySnapshots: what the floor keeps is not even asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/utf8.h"
#include "guard/guard.h"
#include "guard/guard_floor.h"
#include "message/pbjson.h"
#include "message/request.h"

#define NOT_PASSED SIZE_MAX

struct destruction {
	const struct guard *guard;
	const DestroySnapshotsReq *request;
	struct guard_floor floor;
	char **texts;			/* of the request's, owned; NULL: success */
	size_t *places;			/* where in passed each is, or NOT_PASSED */
	size_t *taken;			/* of the floor's: place in passed + 1; 0 */
	FilesystemVersion *passed;	/* on to the endpoint */
	size_t passed_count;
};

static int
say(struct destruction *destruction, size_t index, const char *words,
    struct error *error)
{
	char text[GUARD_REASON_SIZE];
	size_t length = strlen(words);

	/* It may have been cut inside a character. */
	utf8_sanitize(text, words, length < sizeof(text) ? length :
	    sizeof(text) - 1);
	destruction->texts[index] = strdup(text);
	return (destruction->texts[index] == NULL ?
	    error_errno(error, "results") : 0);
}

/* Say that one stays; or, where quiet, only the log. */
static int
keep(struct destruction *destruction, size_t index, uint64_t by,
    struct error *error)
{
	const DestroySnapshotsReq *request = destruction->request;
	char text[GUARD_REASON_SIZE];

	guard_floor_reason(text, destruction->guard, by, request->filesystem,
	    request->snapshots[index]->name);
	if (!destruction->guard->quiet)
		return (say(destruction, index, text, error));
	diag(DIAG_LOG "%s", text);
	return (0);
}

/* Once, however often it is asked for. */
static void
pass(struct destruction *destruction, size_t index, size_t found)
{
	FilesystemVersion *passed =
	    &destruction->passed[destruction->passed_count];

	if (destruction->taken[found] == 0) {
		*passed = *destruction->request->snapshots[index];
		passed->guid = destruction->floor.guids[found];
		destruction->taken[found] = ++destruction->passed_count;
	}
	destruction->places[index] = destruction->taken[found] - 1;
}

static int
judge(struct destruction *destruction, size_t index, struct error *error)
{
	const char *filesystem = destruction->request->filesystem;
	const FilesystemVersion *wanted = destruction->request->snapshots[index];
	const struct guard_floor *floor = &destruction->floor;
	char text[GUARD_REASON_SIZE];
	size_t found;

	if (!guard_floor_find(floor, wanted->name, &found)) {
		snprintf(text, sizeof(text), "dataset \"%s@%s\" does not exist",
		    filesystem, wanted->name);
		return (say(destruction, index, text, error));
	}
	if (wanted->guid != 0 && wanted->guid != floor->guids[found]) {
		snprintf(text, sizeof(text), "\"%s@%s\" has guid %" PRIu64
		    ", not %" PRIu64, filesystem, wanted->name,
		    floor->guids[found], wanted->guid);
		return (say(destruction, index, text, error));
	}
	if (floor->snapshots[found].by != 0)
		return (keep(destruction, index, floor->snapshots[found].by, error));
	pass(destruction, index, found);
	return (0);
}

static int
judge_all(struct destruction *destruction, struct error *error)
{
	const size_t count = destruction->request->n_snapshots;

	for (size_t i = 0; i < count; i++)
		destruction->places[i] = NOT_PASSED;
	if (destruction->guard->rules == NULL) {
		for (size_t i = 0; i < count; i++)
			if (keep(destruction, i, 0, error) == -1)
				return (-1);
		return (0);
	}
	if (guard_floor_read(&destruction->floor, destruction->guard,
	    destruction->request->filesystem, error) == -1)
		return (-1);
	destruction->taken = calloc(destruction->floor.count + 1,
	    sizeof(*destruction->taken));
	if (destruction->taken == NULL)
		return (error_errno(error, "snapshots"));
	for (size_t i = 0; i < count; i++)
		if (judge(destruction, i, error) == -1)
			return (-1);
	return (0);
}

/* Does the endpoint answer for what it was asked, in that order? */
static int
check_answer(const struct destruction *destruction,
    const DestroySnapshotsRes *response, struct error *error)
{
	bool fits = response->n_results == destruction->passed_count;

	for (size_t i = 0; fits && i < response->n_results; i++)
		fits = response->results[i]->snapshot != NULL &&
		    strcmp(response->results[i]->snapshot->name,
		    destruction->passed[i].name) == 0;
	return (fits ? 0 : error_set(error, EXIT_PROTOCOL, "DestroySnapshots of the "
	    "endpoint: the answer is not about the snapshots of the request"));
}

static int
take_answer(struct destruction *destruction, const DestroySnapshotsRes *response,
    struct error *error)
{
	const char *text;

	if (check_answer(destruction, response, error) == -1)
		return (-1);
	for (size_t i = 0; i < destruction->request->n_snapshots; i++) {
		if (destruction->places[i] == NOT_PASSED)
			continue;
		text = response->results[destruction->places[i]]->error;
		if (text[0] == '\0')
			continue;
		destruction->texts[i] = strdup(text);
		if (destruction->texts[i] == NULL)
			return (error_errno(error, "results"));
	}
	return (0);
}

static int
destroy_passed(struct destruction *destruction, struct error *error)
{
	DestroySnapshotsReq request = *destruction->request;
	DestroySnapshotsRes *response;
	int result;

	request.n_snapshots = destruction->passed_count;
	request.snapshots = calloc(destruction->passed_count,
	    sizeof(FilesystemVersion *));
	if (request.snapshots == NULL)
		return (error_errno(error, "snapshots"));
	for (size_t i = 0; i < destruction->passed_count; i++)
		request.snapshots[i] = &destruction->passed[i];
	response = (DestroySnapshotsRes *)guard_call(destruction->guard,
	    "DestroySnapshots", &request.base, NULL, error);
	free(request.snapshots);
	if (response == NULL)
		return (-1);
	result = take_answer(destruction, response, error);
	pbjson_free(&response->base);
	return (result);
}

static void
destruction_free(struct destruction *destruction)
{
	for (size_t i = 0; destruction->texts != NULL &&
	    i < destruction->request->n_snapshots; i++)
		free(destruction->texts[i]);
	free(destruction->texts);
	free(destruction->places);
	free(destruction->taken);
	free(destruction->passed);
	guard_floor_free(&destruction->floor);
}

int
guard_destroy(const struct guard *guard, const DestroySnapshotsReq *request,
    struct error *error)
{
	const size_t count = request->n_snapshots;
	struct destruction destruction = { .guard = guard, .request = request };
	int result = -1;

	if (request_only_snapshots(request, error) == -1)
		return (-1);
	destruction.texts = calloc(count + 1, sizeof(*destruction.texts));
	destruction.places = calloc(count + 1, sizeof(*destruction.places));
	destruction.passed = calloc(count + 1, sizeof(*destruction.passed));
	if (destruction.texts == NULL || destruction.places == NULL ||
	    destruction.passed == NULL)
		error_errno(error, "snapshots");
	else
		result = judge_all(&destruction, error);
	if (result == 0 && destruction.passed_count > 0)
		result = destroy_passed(&destruction, error);
	if (result == 0)
		result = request_answer_destroyed(request, destruction.texts, error);
	destruction_free(&destruction);
	return (result);
}
