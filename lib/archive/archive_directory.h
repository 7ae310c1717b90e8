#ifndef ZR_ARCHIVE_DIRECTORY_H
#define ZR_ARCHIVE_DIRECTORY_H

#include <dirent.h>
#include <stdbool.h>

#include "base/error.h"

/*
 * The directories of an archive: from names to descriptors.  Nothing outside the root
 * can be reached: names are checked, and no symbolic link is followed.  Two names never
 * lead to one directory: if the root lies on a filesystem that ignores case, the second
 * name is refused.
 *
 * If a directory belongs to us and lets others in, opening it takes their permissions
 * away and logs that.
 */

/*
 * Open one component below parent.  create makes a missing one, and syncs it to disk.
 * -1 with errno: ENOENT; ENOTUNIQ if the directory found has another name.
 */
int	archive_enter(int parent, const char *name, bool create);

/*
 * A filesystem's directory below root, to read: -1 with EXIT_FAILED if it does
 * not exist or the name is not valid.
 */
int	archive_open_filesystem(int root, const char *filesystem,
	    struct error *error);

/*
 * The same to change it, with *lock (archive_lock()) and cleaned of the leftovers of
 * dead writers; create makes missing directories.
 */
int	archive_open_locked(int root, const char *filesystem, bool create,
	    int *lock, struct error *error);

/*
 * Remove the leftovers of dead writers in a filesystem's directory and then, if it is
 * empty, the directory and the empty ones above it.  Does nothing while another process
 * has the lock.  Errors are ignored: the next program will meet them.
 */
void	archive_tidy(int root, const char *filesystem);

/* Take write and read permission from others, on an open directory. */
void	archive_tighten(int directory, const char *name);

/* A DIR over directory with a position of its own; closedir() it. */
DIR	*archive_directory_stream(int directory, struct error *error);

#endif
