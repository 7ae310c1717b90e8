#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_record.h"
#include "archive/archive_scrub_look.h"
#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"

#define CHANGED_MAX	100	/* times that a snapshot may change while it is read */

/* --- looking --- */

static void
damaged(struct scrub_look *look, enum scrub_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
damaged(struct scrub_look *look, enum scrub_fault fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(look->damage.text, sizeof(look->damage.text), format, arguments);
	va_end(arguments);
	look->fault = fault;
}

/* Open the stream, if it is a file of the right size. */
static int
open_stream(struct scrub_look *look, struct error *error)
{
	char name[ARCHIVE_FILE_MAX];

	archive_file_name(name, look->guid, ARCHIVE_STREAM_SUFFIX);
	look->file = openat(look->directory, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (look->file == -1 && errno == ENOENT)
		damaged(look, SCRUB_FAULT_NO_STREAM, "%s is missing", name);
	else if (look->file == -1 && (errno == EIO || errno == ELOOP))
		damaged(look, errno == EIO ? SCRUB_FAULT_STREAM : SCRUB_FAULT_OTHER,
		    "%s cannot be opened: %s", name, strerror(errno));
	else if (look->file == -1 || fstat(look->file, &look->status) == -1)
		return (error_errno(error, "%s", name));
	else if (!S_ISREG(look->status.st_mode))
		damaged(look, SCRUB_FAULT_OTHER, "%s is not a file", name);
	else if ((uint64_t)look->status.st_size != look->snapshot.size)
		damaged(look, SCRUB_FAULT_OTHER, "%s: %" PRIu64 " bytes, not %" PRIu64,
		    name, (uint64_t)look->status.st_size, look->snapshot.size);
	return (0);
}

static int
check_base(struct scrub_look *look, struct error *error)
{
	struct archive_snapshot base;
	int record;

	if (look->snapshot.from_guid == 0)
		return (0);
	record = archive_record_read(look->directory, look->snapshot.from_guid, &base,
	    error);
	if (record == ARCHIVE_RECORD_ABSENT)
		damaged(look, SCRUB_FAULT_NO_BASE, "it is an increment of the snapshot "
		    "with guid %" PRIu64 ", which is missing", look->snapshot.from_guid);
	return (record == -1 ? -1 : 0);
}

/* The record, the file, and with reading the stream: enum scrub_stream, or -1. */
static int
look_at(struct scrub_look *look, struct scrub_reading *reading, struct error *error)
{
	char name[ARCHIVE_FILE_MAX];
	int result = SCRUB_STREAM_SOUND;

	look->file = -1;
	look->fault = SCRUB_FAULT_NONE;
	look->well = false;
	look->damage = (struct scrub_damage){ .has_place = false };
	memset(&look->snapshot, 0, sizeof(look->snapshot));
	look->record = archive_record_read(look->directory, look->guid, &look->snapshot,
	    error);
	if (look->record == ARCHIVE_RECORD_DAMAGED) {
		memset(&look->snapshot, 0, sizeof(look->snapshot));
		archive_file_name(name, look->guid, ARCHIVE_RECORD_SUFFIX);
		damaged(look, SCRUB_FAULT_OTHER, "%s is not the record of a snapshot "
		    "with this guid", name);
	}
	if (look->record != ARCHIVE_RECORD_FOUND)
		return (look->record == -1 ? -1 : SCRUB_STREAM_SOUND);
	if (open_stream(look, error) == -1)
		return (-1);
	if (look->fault == SCRUB_FAULT_NONE && reading != NULL) {
		result = scrub_stream(look->file, &look->snapshot, reading,
		    &look->damage, error);
		look->well = result == SCRUB_STREAM_SOUND;
		if (result == SCRUB_STREAM_DAMAGED)
			look->fault = SCRUB_FAULT_STREAM;
	}
	if (look->fault == SCRUB_FAULT_NONE && result == SCRUB_STREAM_SOUND &&
	    check_base(look, error) == -1)
		return (-1);
	return (result);
}

/* --- looking again --- */

/* Is everything as we saw it?  The lock is held. */
static bool
is_unchanged(const struct scrub_look *look)
{
	char name[ARCHIVE_FILE_MAX], before[ARCHIVE_RECORD_MAX], now[ARCHIVE_RECORD_MAX];
	struct archive_snapshot snapshot, base;
	struct error ignored;
	struct stat status;

	if (archive_record_read(look->directory, look->guid, &snapshot,
	    &ignored) != look->record)
		return (false);
	if (look->record != ARCHIVE_RECORD_FOUND)
		return (true);
	archive_record_print(before, &look->snapshot);
	archive_record_print(now, &snapshot);
	if (strcmp(before, now) != 0)
		return (false);
	/* It may have been absent only while it was being replaced. */
	if (look->fault == SCRUB_FAULT_NO_BASE && archive_record_read(look->directory,
	    snapshot.from_guid, &base, &ignored) != ARCHIVE_RECORD_ABSENT)
		return (false);
	archive_file_name(name, look->guid, ARCHIVE_STREAM_SUFFIX);
	if (fstatat(look->directory, name, &status, AT_SYMLINK_NOFOLLOW) == -1)
		return (look->fault == SCRUB_FAULT_NO_STREAM);
	if (look->fault == SCRUB_FAULT_NO_STREAM)
		return (false);
	return (look->file == -1 || (status.st_dev == look->status.st_dev &&
	    status.st_ino == look->status.st_ino &&
	    status.st_size == look->status.st_size));
}

/* Put the mark into the record, or take it off.  The lock is held. */
static void
mark(const struct scrub_look *look, int64_t damaged)
{
	struct archive_snapshot snapshot = look->snapshot;
	struct error error;

	snapshot.damaged = damaged;
	if (archive_record_write(look->directory, &snapshot, &error) == -1)
		diag("%s@%s: the record cannot be changed: %s", look->filesystem,
		    snapshot.name, error.text);
}

/*
 * If it was not just being changed, note the finding: 1.  0: look again; -1: it cannot be
 * told, or a signal came.
 */
static int
settle(const struct scrub_look *look, struct error *error)
{
	const int64_t marked = look->snapshot.damaged;
	bool unchanged;
	int lock;

	lock = archive_lock(look->directory, true);
	if (lock == -1) {
		if (errno == ENOENT)
			return (0);	/* the directory is gone */
		error_errno(error, "%s", ARCHIVE_LOCK);
		scrub_signal(error);
		return (-1);
	}
	unchanged = is_unchanged(look);
	if (unchanged && look->fault == SCRUB_FAULT_STREAM && marked == 0)
		mark(look, io_time_of_day());
	else if (unchanged && look->well && marked != 0)
		mark(look, 0);
	close(lock);
	return (unchanged);
}

/* As scrub_look(), which closes the file. */
static int
look_once(struct scrub_look *look, struct scrub_reading *reading, bool *settled,
    struct error *error)
{
	const int result = look_at(look, reading, error);
	int done;

	*settled = true;
	if (result == -1 || result == SCRUB_STREAM_LATE ||
	    look->record == ARCHIVE_RECORD_ABSENT ||
	    (look->fault == SCRUB_FAULT_NONE &&
	    (!look->well || look->snapshot.damaged == 0)))
		return (result);
	done = settle(look, error);
	*settled = done != 0;
	return (done == -1 ? -1 : result);
}

int
scrub_look(struct scrub_look *look, struct scrub_reading *reading, struct error *error)
{
	bool settled = false;
	int result = -1;

	for (unsigned int i = 0; i < CHANGED_MAX && !settled; i++) {
		result = look_once(look, reading, &settled, error);
		io_close(&look->file);
	}
	return (settled ? result :
	    error_set(error, EXIT_FAILED, "it changes all the time"));
}
