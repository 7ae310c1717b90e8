#ifndef ZR_EVENTS_FILE_H
#define ZR_EVENTS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The file of a run's events.  The run holds a lock on it until its end, of any kind, so
 * that a reader can tell a running one from a killed one.
 */

/*
 * Open it for a run, empty.  Only a regular file is emptied and locked.  Sets
 * *last_successful to the end of this job's last successful run, according to the file
 * before it was emptied, or to EVENT_NO_TIME.  job NULL: runs without a name.
 *
 * Returns the descriptor; -1: it cannot be opened, or another run is writing it.
 */
int	events_file_open(const char *path, const char *job,
	    int64_t *last_successful, struct error *error);

/* Is a run writing the file that is open as fd? */
bool	events_file_in_use(int fd);

#endif
