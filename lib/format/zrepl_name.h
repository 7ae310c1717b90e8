#ifndef ZR_ZREPL_NAME_H
#define ZR_ZREPL_NAME_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The names that replication leaves in ZFS (zr-protocol(7), Names in ZFS): hold tags,
 * bookmarks and one user property.  They are zrepl's names, so that zrepl and zr can
 * take turns on the same pools.
 *
 * A job's name is one component of a dataset's name.
 */
#define ZREPL_PLACEHOLDER_PROPERTY	"zrepl:placeholder"
#define ZREPL_STEP_TAG			"zrepl_STEP_J_"	/* and the job */
#define ZREPL_LAST_RECEIVED_TAG		"zrepl_last_received_J_"
#define ZREPL_NAME_SIZE			256	/* of any name here, with NUL */
#define ZREPL_JOB_MAX			200	/* bytes: leaves room for the */
						/* rest of a bookmark's name */

enum zrepl_cursor {
	ZREPL_CURSOR,		/* the last replicated snapshot */
	ZREPL_TENTATIVE_CURSOR	/* of a step in progress */
};

#define ZREPL_JOB_RULE \
	"1 to 200 of 0-9 A-Z a-z - _ . : and blank, not . or .."

bool	zrepl_job_valid(const char *job);

/* prefix: one of the two tags above. */
void	zrepl_hold_tag(char tag[ZREPL_NAME_SIZE], const char *prefix,
	    const char *job);

/* The bookmark's name after "#". */
void	zrepl_cursor_name(char name[ZREPL_NAME_SIZE], enum zrepl_cursor kind,
	    uint64_t guid, const char *job);

/*
 * Is this the name of a cursor?  *job points into name.  It is a cursor only
 * if the bookmark's own guid is *guid.
 */
bool	zrepl_cursor_parse(const char *name, enum zrepl_cursor *kind,
	    uint64_t *guid, const char **job);

/*
 * Does this value of the user property, local to dataset, say that it is a
 * placeholder?  "on", or its old form, the SHA-512/256 of dataset's name.
 */
bool	zrepl_placeholder_set(const char *value, const char *dataset);

#endif
