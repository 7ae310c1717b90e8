#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_directory.h"
#include "archive/archive_scan.h"
#include "format/fs_name.h"

struct walk {
	int root;
	const char *only;		/* NULL: all */
	int (*visit)(void *context, const struct archive_filesystem *filesystem);
	void *context;
	struct error *error;
	char path[FS_NAME_MAX + 2];	/* of where we are, "" at the root */
};

static int	walk_directory(struct walk *walk, int directory);

/* The entries of a directory that are filesystems. */
static int
only_filesystems(const struct dirent *entry)
{
	return (entry->d_name[0] != '@' &&
	    fs_name_valid_snapshot(entry->d_name));
}

/* Is there a snapshot's record?  And are there leftovers? */
static bool
has_snapshot(int directory, bool *leftovers)
{
	struct archive_scan scan;
	struct error ignored;
	bool found;

	*leftovers = false;
	if (archive_scan(directory, &scan, &ignored) == -1)
		return (true);		/* something is there, if unreadable */
	*leftovers = archive_scan_leftovers(&scan);
	found = scan.record_count > 0;
	archive_scan_free(&scan);
	return (found);
}

static bool
has_gone(int directory)
{
	struct stat status;

	return (fstat(directory, &status) == 0 && status.st_nlink == 0);
}

/* The filesystem at walk->path, and those below it. */
static int
enter_filesystem(struct walk *walk, int directory)
{
	struct archive_filesystem filesystem = { .name = walk->path,
	    .directory = directory };

	filesystem.empty = !has_snapshot(directory, &filesystem.leftovers);
	if (filesystem.leftovers) {
		archive_tidy(walk->root, walk->path);
		if (has_gone(directory))
			return (0);
	}
	if (walk->visit(walk->context, &filesystem) == -1)
		return (error_set(walk->error, EXIT_SYSTEM,
		    "archive: out of memory"));
	return (walk_directory(walk, directory));
}

/* Is name, in the directory that was reached, on the way to the wanted filesystem? */
static bool
leads_on(const struct walk *walk, const char *name)
{
	const size_t above = strlen(walk->path), length = strlen(name);
	const char *rest = walk->only;

	if (rest == NULL)
		return (true);
	if (above > 0) {
		if (strlen(rest) <= above)
			return (false);
		rest += above + 1;
	}
	return (strncmp(rest, name, length) == 0 &&
	    (rest[length] == '/' || rest[length] == '\0'));
}

static int
enter(struct walk *walk, int parent, const char *name)
{
	const size_t length = strlen(walk->path);
	int directory, result = 0;

	if (!leads_on(walk, name))
		return (0);
	directory = openat(parent, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory == -1)	/* a file, a link, or it has just gone */
		return (errno == ENOTDIR || errno == ELOOP || errno == ENOENT ? 0 :
		    error_errno(walk->error, "archive: %s", name));
	if (length + strlen(name) + 1 <= FS_NAME_MAX) {
		snprintf(walk->path + length, sizeof(walk->path) - length, "%s%s",
		    length > 0 ? "/" : "", name);
		if (fs_name_valid_filesystem(walk->path)) {
			archive_tighten(directory, walk->path);
			result = enter_filesystem(walk, directory);
		}
		walk->path[length] = '\0';
	}
	close(directory);
	return (result);
}

static int
walk_directory(struct walk *walk, int directory)
{
	struct dirent **entries = NULL;
	int count, result = 0;

	count = scandirat(directory, ".", &entries, only_filesystems, alphasort);
	if (count == -1)
		return (error_errno(walk->error, "archive"));
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = enter(walk, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return (result);
}

int
archive_walk(int root, const char *only,
    int (*visit)(void *, const struct archive_filesystem *), void *context,
    struct error *error)
{
	struct walk walk = { .root = root, .only = only, .visit = visit,
	    .context = context, .error = error };

	return (walk_directory(&walk, root));
}
