#ifndef ZR_ARCHIVE_DIRECTORY_H
#define ZR_ARCHIVE_DIRECTORY_H

#include <dirent.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * The directories of an archive: how names become descriptors.  Nothing
 * outside of the root can be reached: names are checked, and no symbolic link
 * is followed.  Two names never lead to one directory: where the root lies on a
 * filesystem that ignores case, the second one is refused.
 *
 * What is opened is made its owner's alone, if that is who we are; the log
 * tells.
 */

/*
 * One component below parent; creating makes it if it is missing, and sees to
 * it that it is on the disk.  -1 with errno: ENOENT; ENOTUNIQ if the directory
 * that is opened by this name has another.
 */
int	archive_enter(int parent, const char *name, bool create);

/*
 * A filesystem's directory below root, to read: -1 with EXIT_FAILED if it does
 * not exist or the name is not valid.
 */
int	archive_open_filesystem(int root, const char *filesystem,
	    struct error *error);

/*
 * The same to change it, with *lock (archive_lock()) and without what dead
 * writers left; creating makes what is missing.
 */
int	archive_open_locked(int root, const char *filesystem, bool create,
	    int *lock, struct error *error);

/*
 * Remove what dead writers left in a filesystem's directory and then, if
 * nothing is in it, the directory and the empty ones above it.  Nothing
 * happens while another process has the lock; errors are left to whoever
 * comes next.
 */
void	archive_tidy(int root, const char *filesystem);

/* Take write and read permission from others, on an open directory. */
void	archive_tighten(int directory, const char *name);

/* A stream of its own position over directory, to closedir(). */
DIR	*archive_directory_stream(int directory, struct error *error);

#endif
