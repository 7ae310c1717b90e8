#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_directory.h"
#include "base/diag.h"
#include "base/io.h"
#include "format/fs_name.h"

/* How often a directory may vanish between our making and our locking it. */
#define VANISHED_MAX 100

DIR *
archive_directory_stream(int directory, struct error *error)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd == -1 ? NULL : fdopendir(fd);

	if (stream == NULL) {
		error_errno(error, "archive");
		io_close(&fd);
	}
	return (stream);
}

void
archive_tighten(int directory, const char *name)
{
	struct stat status;

	if (fstat(directory, &status) == -1 || status.st_uid != geteuid() ||
	    (status.st_mode & 077) == 0)
		return;
	if (fchmod(directory, status.st_mode & 07700) == 0)
		diag(DIAG_LOG "%s: mode %03o is now %03o: what an archive stores is "
		    "for its owner alone", name, status.st_mode & 0777,
		    status.st_mode & 0700);
	else
		diag_errno(DIAG_LOG "%s: mode %03o lets others in", name,
		    status.st_mode & 0777);
}

static bool
is_directory_at(int parent, const char *name, const struct stat *directory)
{
	struct stat status;

	return (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    status.st_dev == directory->st_dev &&
	    status.st_ino == directory->st_ino);
}

static bool
is_listed(int parent, const char *name)
{
	struct error ignored;
	DIR *stream = archive_directory_stream(parent, &ignored);
	struct dirent *entry;
	bool found = false;

	if (stream == NULL)
		return (false);
	while (!found && (entry = readdir(stream)) != NULL)
		found = strcmp(entry->d_name, name) == 0;
	closedir(stream);
	return (found);
}

/*
 * Is this the directory's own name?  Some filesystems ignore the case of letters, or dots
 * at the end.  The directory is listed only if another such name leads to the same place.
 */
static bool
is_exact(int parent, const char *name, int directory)
{
	char other[FS_NAME_MAX + 2];
	struct stat status;
	size_t i;

	if (fstat(directory, &status) == -1)
		return (false);
	for (i = 0; name[i] != '\0' && i < FS_NAME_MAX; i++)
		other[i] = (char)(islower((unsigned char)name[i]) ?
		    toupper((unsigned char)name[i]) :
		    tolower((unsigned char)name[i]));
	other[i] = '\0';
	if (strcmp(other, name) == 0 || !is_directory_at(parent, other, &status)) {
		snprintf(other, sizeof(other), "%s.", name);
		if (!is_directory_at(parent, other, &status))
			return (true);
	}
	return (is_listed(parent, name));
}

int
archive_enter(int parent, const char *name, bool create)
{
	int directory, why;

	if (create && mkdirat(parent, name, 0700) == -1 && errno != EEXIST)
		return (-1);
	directory = openat(parent, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory == -1)
		return (-1);
	if (!is_exact(parent, name, directory)) {
		close(directory);
		errno = create ? ENOTUNIQ : ENOENT;
		return (-1);
	}
	/* Even if it existed: its maker may have died before this. */
	if (create && fsync(parent) == -1) {
		why = errno;
		close(directory);
		errno = why;
		return (-1);
	}
	archive_tighten(directory, name);
	return (directory);
}

/* The first depth components of a name, all with SIZE_MAX; -1 with errno. */
static int
open_path(int root, const char *filesystem, size_t depth, bool create)
{
	char component[FS_NAME_MAX + 1];
	const char *rest = filesystem;
	int directory, next, why;
	size_t length;

	directory = fcntl(root, F_DUPFD_CLOEXEC, 3);
	while (directory != -1 && *rest != '\0' && depth-- > 0) {
		length = strcspn(rest, "/");
		memcpy(component, rest, length);
		component[length] = '\0';
		rest += length + (rest[length] == '/');
		next = archive_enter(directory, component, create);
		why = errno;
		close(directory);
		errno = why;
		directory = next;
	}
	return (directory);
}

static int
check_name(const char *filesystem, struct error *error)
{
	if (!fs_name_valid_filesystem(filesystem))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a filesystem", filesystem));
	return (0);
}

/* errno as an error. */
static int
explain(const char *filesystem, bool create, struct error *error)
{
	if (errno == ENOENT && !create)
		return (error_set(error, EXIT_FAILED,
		    "dataset \"%s\" does not exist", filesystem));
	if (errno == ENOTUNIQ)
		return (error_set(error, EXIT_FAILED, "\"%s\" cannot be kept: the "
		    "archive's directory ignores case and has another filesystem "
		    "under this name", filesystem));
	return (error_errno(error, create ? "cannot make %s" : "%s", filesystem));
}

int
archive_open_filesystem(int root, const char *filesystem, struct error *error)
{
	int directory;

	if (check_name(filesystem, error) == -1)
		return (-1);
	directory = open_path(root, filesystem, SIZE_MAX, false);
	return (directory == -1 ? explain(filesystem, false, error) : directory);
}

static int
open_or_make(int root, const char *filesystem, bool create, bool *made)
{
	const int directory = open_path(root, filesystem, SIZE_MAX, false);

	*made = directory == -1 && errno == ENOENT && create;
	return (*made ? open_path(root, filesystem, SIZE_MAX, true) : directory);
}

/*
 * The process that made the directories may have died before syncing them.  A record is
 * written only after that.
 */
static int
sync_path(int root, const char *filesystem, struct error *error)
{
	const int directory = open_path(root, filesystem, SIZE_MAX, true);

	if (directory == -1)
		return (explain(filesystem, true, error));
	close(directory);
	return (0);
}

int
archive_open_locked(int root, const char *filesystem, bool create, int *lock,
    struct error *error)
{
	int directory;
	bool empty, made;

	*lock = -1;
	if (check_name(filesystem, error) == -1)
		return (-1);
	for (unsigned int i = 0; i < VANISHED_MAX; i++) {
		directory = open_or_make(root, filesystem, create, &made);
		if (directory != -1) {
			*lock = archive_lock(directory, true);
			if (*lock != -1 && archive_clean(directory, &empty, error) == 0 &&
			    (!create || made || !empty ||
			    sync_path(root, filesystem, error) == 0))
				return (directory);
			close(directory);
			if (*lock != -1) {
				io_close(lock);
				return (-1);
			}
		}
		/* Another process may have found it empty and removed it again. */
		if (errno != ENOENT || !create)
			break;
	}
	return (explain(filesystem, create, error));
}

/* --- tidying --- */

/* Nothing in it but the lock. */
static bool
is_bare(int directory)
{
	struct error ignored;
	DIR *stream = archive_directory_stream(directory, &ignored);
	struct dirent *entry;
	bool bare = stream != NULL;

	while (bare && (entry = readdir(stream)) != NULL)
		bare = strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    strcmp(entry->d_name, ARCHIVE_LOCK) == 0;
	if (stream != NULL)
		closedir(stream);
	return (bare);
}

/* The directory of a filesystem, empty but for parents, and the empty ones above. */
static void
remove_path(int root, const char *filesystem)
{
	char path[FS_NAME_MAX + 1], *slash;
	bool removed = true;
	size_t depth = 0;
	int parent;

	strlcpy(path, filesystem, sizeof(path));
	for (const char *p = path; *p != '\0'; p++)
		depth += *p == '/';
	while (removed) {
		parent = open_path(root, path, depth, false);
		if (parent == -1 && errno != ENOENT)
			return;
		slash = strrchr(path, '/');
		if (parent != -1) {
			removed = unlinkat(parent, slash == NULL ? path : slash + 1,
			    AT_REMOVEDIR) == 0 || errno == ENOENT;
			close(parent);
		}
		if (slash == NULL)
			return;
		*slash = '\0';
		depth--;
	}
}

void
archive_tidy(int root, const char *filesystem)
{
	struct error ignored;
	int directory, lock = -1;
	bool bare = true, empty;

	directory = open_path(root, filesystem, SIZE_MAX, false);
	if (directory != -1) {
		lock = archive_lock(directory, false);
		bare = lock != -1 && archive_clean(directory, &empty, &ignored) == 0 && empty &&
		    is_bare(directory) &&
		    unlinkat(directory, ARCHIVE_LOCK, 0) == 0;
		close(directory);
	} else if (errno != ENOENT)
		bare = false;
	if (bare)
		remove_path(root, filesystem);
	io_close(&lock);
}
