#ifndef ZR_ARCHIVE_SCRUB_LOOK_H
#define ZR_ARCHIVE_SCRUB_LOOK_H

#include <sys/stat.h>

#include "archive/archive_scrub_stream.h"

enum scrub_fault {
	SCRUB_FAULT_NONE,
	SCRUB_FAULT_NO_STREAM,		/* the file is missing */
	SCRUB_FAULT_STREAM,		/* in it: this is marked in the record */
	SCRUB_FAULT_NO_BASE,		/* it is an increment, and its base is absent */
	SCRUB_FAULT_OTHER
};

/* A snapshot as it was found, and its damage. */
struct scrub_look {
	int directory;
	const char *filesystem;
	uint64_t guid;
	int record;			/* enum archive_record */
	struct archive_snapshot snapshot;
	int file;			/* its stream, while we look; -1: not open */
	struct stat status;		/* of the file */
	enum scrub_fault fault;
	bool well;			/* the stream has been read and is */
	struct scrub_damage damage;
};

/*
 * Look at a snapshot whose directory, filesystem and guid are set and, unless reading is
 * NULL, read its stream.  Damage is checked under the directory's lock, and all of it
 * again if anything has changed meanwhile; then damage in the stream is marked in the
 * record, or a mark taken off. snapshot.damaged is the former mark.
 *
 * Returns enum scrub_stream, with record ARCHIVE_RECORD_ABSENT if the snapshot is gone;
 * -1: it cannot be told, or a signal came (code EXIT_SIGNAL or more).
 */
int	scrub_look(struct scrub_look *look, struct scrub_reading *reading,
	    struct error *error);

#endif
