#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/utf8.h"
#include "format/rfc3339.h"
#include "guard/guard_floor.h"
#include "message/pbjson.h"

static int
compare(const void *left, const void *right)
{
	const FilesystemVersion *const *a = left, *const *b = right;

	return (strcmp((*a)->name, (*b)->name));
}

/* The snapshots of the listing by name, each of another. */
static int
fill(struct guard_floor *floor, struct error *error)
{
	FilesystemVersion **versions = floor->listing->versions, *version;
	const size_t count = floor->listing->n_versions;

	floor->snapshots = calloc(count + 1, sizeof(*floor->snapshots));
	floor->guids = calloc(count + 1, sizeof(*floor->guids));
	if (floor->snapshots == NULL || floor->guids == NULL)
		return (error_errno(error, "snapshots"));
	if (count > 0)
		qsort(versions, count, sizeof(FilesystemVersion *), compare);
	for (size_t i = 0; i < count; i++) {
		struct retained *next = &floor->snapshots[floor->count];

		version = versions[i];
		if (version->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
			continue;
		if (floor->count > 0 && strcmp(next[-1].name, version->name) == 0)
			return (error_set(error, EXIT_PROTOCOL, "the endpoint lists "
			    "two snapshots named \"%s\"", version->name));
		*next = (struct retained){ .name = version->name,
		    .createtxg = version->createtxg };
		if (version->createtxg == 0 ||
		    !rfc3339_parse(version->creation, &next->creation))
			return (error_set(error, EXIT_PROTOCOL, "the endpoint lists "
			    "the snapshot \"%s\" without a %s", version->name,
			    version->createtxg == 0 ? "CreateTXG" : "Creation"));
		floor->guids[floor->count++] = version->guid;
	}
	return (0);
}

int
guard_floor_read(struct guard_floor *floor, const struct guard *guard,
    const char *filesystem, struct error *error)
{
	ListFilesystemVersionsReq request = LIST_FILESYSTEM_VERSIONS_REQ__INIT;
	const int64_t now = io_time_of_day();

	*floor = (struct guard_floor){ .count = 0 };
	request.filesystem = (char *)(uintptr_t)filesystem;
	floor->listing = (ListFilesystemVersionsRes *)guard_call(guard,
	    "ListFilesystemVersions", &request.base, filesystem, error);
	if (floor->listing == NULL || fill(floor, error) == -1)
		return (-1);
	if (guard->rules != NULL)
		return (retention_apply_floor(guard->rules, floor->snapshots,
		    floor->count, now, error));
	for (size_t i = 0; i < floor->count; i++)
		floor->snapshots[i].by = 1;
	return (0);
}

void
guard_floor_free(struct guard_floor *floor)
{
	free(floor->snapshots);
	free(floor->guids);
	pbjson_free((ProtobufCMessage *)floor->listing);
}

static int
compare_name(const void *name, const void *snapshot)
{
	return (strcmp(name, ((const struct retained *)snapshot)->name));
}

bool
guard_floor_find(const struct guard_floor *floor, const char *name, size_t *index)
{
	const struct retained *found;

	if (floor->count == 0)
		return (false);
	found = bsearch(name, floor->snapshots, floor->count, sizeof(*found),
	    compare_name);
	if (found != NULL)
		*index = (size_t)(found - floor->snapshots);
	return (found != NULL);
}

void
guard_floor_reason(char text[GUARD_REASON_SIZE], const struct guard *guard,
    uint64_t by, const char *filesystem, const char *name)
{
	char words[GUARD_REASON_SIZE];
	size_t first = 0;

	if (guard->rules == NULL)
		snprintf(words, sizeof(words), "\"%s@%s\" is kept: this receiver is "
		    "append only", filesystem, name);
	else {
		while (first + 1 < guard->rules->count && (by >> first & 1) == 0)
			first++;
		snprintf(words, sizeof(words), "\"%s@%s\" is kept by the floor of "
		    "retention on this receiver (rule: %s)", filesystem, name,
		    guard->rules->rules[first].text);
	}
	/* It may have been cut inside a character. */
	utf8_sanitize(text, words, strlen(words));
}
