#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_scan.h"
#include "archive/archive_scrub_state.h"
#include "archive/archive_scrub_walk.h"
#include "format/fs_name.h"

struct place {
	const struct scrub_walk *walk;
	char path[SCRUB_PATH_MAX];	/* of where we are; "" at the root */
};

static int	walk_directory(struct place *place, int directory, struct error *error);

/* Components of filesystems' names, and names of clients. */
static int
only_components(const struct dirent *entry)
{
	return (fs_name_valid_snapshot(entry->d_name));
}

static int
compare_entries(const struct dirent **a, const struct dirent **b)
{
	return (strcmp((*a)->d_name, (*b)->d_name));
}

/* Is inner the filesystem outer, or below it? */
static bool
is_within(const char *inner, const char *outer)
{
	const size_t length = strlen(outer);

	return (strncmp(inner, outer, length) == 0 &&
	    (inner[length] == '/' || inner[length] == '\0'));
}

/* Is path wanted or, with on_the_way, on the way to a wanted one? */
static bool
is_wanted(const struct scrub_walk *walk, const char *path, bool on_the_way)
{
	if (walk->filesystems == NULL)
		return (true);
	for (char *const *wanted = walk->filesystems; *wanted != NULL; wanted++)
		if (is_within(path, *wanted) || (on_the_way && is_within(*wanted, path)))
			return (true);
	return (false);
}

static void
unread(const struct place *place, const struct error *why)
{
	place->walk->on_unread(place->walk->context, place->path, why->text);
}

/* The snapshots of the filesystem at place->path. */
static int
visit_snapshots(struct place *place, int directory, struct error *error)
{
	const struct scrub_walk *walk = place->walk;
	struct error why;
	struct archive_scan scan;
	int result = 0;

	if (archive_scan(directory, &scan, &why) == -1) {
		unread(place, &why);
		return (0);
	}
	for (size_t i = 0; i < scan.record_count && result == 0; i++)
		result = walk->visit(walk->context, directory, place->path,
		    scan.records[i].guid, error);
	archive_scan_free(&scan);
	return (result);
}

static int
enter(struct place *place, int parent, const char *name, struct error *error)
{
	const size_t length = strlen(place->path);
	int directory, result = 0;
	struct error why;

	if (length + 1 + strlen(name) >= sizeof(place->path)) {
		error_set(&why, EXIT_FAILED, "the names of the directories in it are too "
		    "long");
		unread(place, &why);
		return (0);
	}
	snprintf(place->path + length, sizeof(place->path) - length, "%s%s",
	    length > 0 ? "/" : "", name);
	if (is_wanted(place->walk, place->path, true)) {
		directory = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (directory != -1) {
			if (is_wanted(place->walk, place->path, false))
				result = visit_snapshots(place, directory, error);
			if (result == 0)
				result = walk_directory(place, directory, error);
			close(directory);
		} else if (errno != ENOTDIR && errno != ELOOP && errno != ENOENT) {
			/* Not a file, a link, or just gone. */
			error_errno(&why, "cannot be entered");
			unread(place, &why);
		}
	}
	place->path[length] = '\0';
	return (result);
}

static int
walk_directory(struct place *place, int directory, struct error *error)
{
	struct dirent **entries = NULL;
	struct error why;
	int count, result = 0;

	count = scandirat(directory, ".", &entries, only_components, compare_entries);
	if (count == -1 && place->path[0] == '\0')
		return (error_errno(error, "the archive"));
	if (count == -1) {
		error_errno(&why, "cannot be read");
		unread(place, &why);
		return (0);
	}
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = enter(place, directory, entries[i]->d_name, error);
		free(entries[i]);
	}
	free(entries);
	return (result);
}

int
scrub_walk(const struct scrub_walk *walk, struct error *error)
{
	struct place place = { .walk = walk };

	return (walk_directory(&place, walk->root, error));
}
