#ifndef ZR_EVENTS_FILE_H
#define ZR_EVENTS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The file of a run's events.  The run holds a lock on it until it ends, however it
 * ends: who reads the file can tell a run that is at work from one that was killed.
 */

/*
 * Open it for a run, empty.  What is no regular file is neither emptied nor locked.  In
 * *last_successful: when the last run of this job (NULL: without a name) that did all
 * it had to ended, by what the file said so far; EVENT_NO_TIME if it does not say.
 *
 * Returns the descriptor; -1: it cannot be opened, or another run is writing it.
 */
int	events_file_open(const char *path, const char *job,
	    int64_t *last_successful, struct error *error);

/* Is a run writing the file that is open as fd? */
bool	events_file_in_use(int fd);

#endif
