#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_record.h"
#include "archive/archive_scan.h"
#include "archive/archive_scrub.h"
#include "archive/archive_scrub_look.h"
#include "archive/archive_scrub_state.h"
#include "archive/archive_scrub_walk.h"
#include "base/diag.h"
#include "base/io.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"

struct pass {
	int root;
	const struct archive_scrub *scrub;
	struct archive_scrub_totals *totals;
	struct scrub_reading reading;
	struct scrub_state state;
	int64_t deadline;
	bool late;		/* what is left is another run's */
	bool state_failed;	/* diag() has said so */
};

/* --- what is said --- */

static int
tell(struct pass *pass, const struct scrub_look *look, enum archive_scrub_state state,
    const char *text, struct error *error)
{
	const struct archive_scrub_finding finding = { .state = state,
	    .filesystem = look->filesystem, .snapshot = look->snapshot.name,
	    .guid = look->guid, .text = text, .has_place = look->damage.has_place,
	    .has_object = look->damage.has_object, .from = look->damage.from,
	    .to = look->damage.to, .object = look->damage.object };

	if (state == ARCHIVE_SCRUB_DAMAGED || state == ARCHIVE_SCRUB_KNOWN)
		pass->totals->damaged++;
	else if (state == ARCHIVE_SCRUB_UNREAD)
		pass->totals->unread++;
	return (pass->scrub->on_finding(pass->scrub->context, &finding, error));
}

static void
on_unread(void *context, const char *filesystem, const char *text)
{
	const struct scrub_look look = { .filesystem = filesystem };
	struct error ignored;

	tell(context, &look, ARCHIVE_SCRUB_UNREAD, text, &ignored);
}

static void
tick(void *context)
{
	struct pass *pass = context;

	pass->totals->bytes = pass->reading.bytes;
	pass->scrub->on_progress(pass->scrub->context, pass->totals);
}

/* --- a snapshot --- */

static int
report(struct pass *pass, const struct scrub_look *look, bool was_read, struct error *error)
{
	char text[128], time[RFC3339_SIZE];

	if (look->fault != SCRUB_FAULT_NONE)
		return (tell(pass, look, ARCHIVE_SCRUB_DAMAGED, look->damage.text, error));
	if (look->snapshot.damaged == 0)
		return (0);
	rfc3339_format(time, look->snapshot.damaged);
	if (was_read) {
		snprintf(text, sizeof(text), "it was marked at %s, and is well", time);
		return (tell(pass, look, ARCHIVE_SCRUB_MENDED, text, error));
	}
	snprintf(text, sizeof(text), "marked at %s", time);
	return (tell(pass, look, ARCHIVE_SCRUB_KNOWN, text, error));
}

static void
remember(struct pass *pass)
{
	struct error error;

	if (pass->scrub->filesystems != NULL || pass->state_failed ||
	    scrub_state_write(pass->root, &pass->state, &error) == 0)
		return;
	diag_error(&error);
	diag("how far this pass has come cannot be kept");
	pass->state_failed = true;
}

static void
count_read(struct pass *pass, const struct scrub_look *look, uint64_t bytes)
{
	struct archive_scrub_totals *totals = pass->totals;

	if (totals->left_streams > 0)
		totals->left_streams--;
	totals->left_bytes -= look->snapshot.size < totals->left_bytes ?
	    look->snapshot.size : totals->left_bytes;
	totals->bytes = pass->reading.bytes;
	if (bytes > 0) {
		totals->streams++;
		pass->state.streams++;
	}
	pass->state.bytes += bytes;
	strlcpy(pass->state.filesystem, look->filesystem, sizeof(pass->state.filesystem));
	pass->state.guid = look->guid;
	remember(pass);
}

/* Read it, unless it has been read or time is over. */
static int
scrub_snapshot(void *context, int directory, const char *filesystem, uint64_t guid,
    struct error *error)
{
	struct pass *pass = context;
	struct scrub_look look = { .directory = directory, .filesystem = filesystem,
	    .guid = guid };
	const uint64_t before = pass->reading.bytes;
	const bool is_past = scrub_state_is_past(&pass->state, filesystem, guid);
	struct error why;
	bool reads;
	int result;

	/* A stream that takes longer than a run is read at the beginning of one. */
	pass->reading.deadline = pass->totals->streams > 0 ? pass->deadline : IO_FOREVER;
	if (!is_past && io_now() >= pass->reading.deadline)
		pass->late = true;
	reads = !is_past && !pass->late;
	result = scrub_look(&look, reads ? &pass->reading : NULL, &why);
	if (result == SCRUB_STREAM_LATE) {
		pass->late = true;
		reads = false;
		result = scrub_look(&look, NULL, &why);
	}
	if (result == -1 && why.code >= EXIT_SIGNAL) {
		*error = why;
		return (-1);
	}
	if (result == -1)
		result = tell(pass, &look, ARCHIVE_SCRUB_UNREAD, why.text, error);
	else
		result = report(pass, &look, reads, error);
	if (result != -1 && reads)
		count_read(pass, &look, pass->reading.bytes - before);
	return (result == -1 ? -1 : scrub_signal(error));
}

/* --- the pass --- */

/* What is left of it? */
static int
count_snapshot(void *context, int directory, const char *filesystem, uint64_t guid,
    struct error *error)
{
	struct pass *pass = context;
	struct archive_snapshot snapshot;
	struct error ignored;

	if (scrub_signal(error) == -1)
		return (-1);
	if (scrub_state_is_past(&pass->state, filesystem, guid))
		return (0);
	pass->totals->left_streams++;
	if (archive_record_read(directory, guid, &snapshot,
	    &ignored) == ARCHIVE_RECORD_FOUND)
		pass->totals->left_bytes += snapshot.size;
	return (0);
}

static void
ignore_unread(void *context, const char *filesystem, const char *text)
{
	(void)context;
	(void)filesystem;
	(void)text;
}

/* A filesystem's own directory is no archive: its snapshots would be passed over. */
static int
check_root(const struct pass *pass, struct error *error)
{
	struct archive_scan scan;
	size_t count;

	if (archive_scan(pass->root, &scan, error) == -1)
		return (-1);
	count = scan.record_count;
	archive_scan_free(&scan);
	return (count == 0 ? 0 : error_set(error, EXIT_USAGE, "it is the directory of a "
	    "filesystem: name that of the archive, and then the filesystem"));
}

/* Would the walk come by it?  It follows no links, and no "..". */
static bool
is_filesystem(const struct pass *pass, const char *name)
{
	char path[SCRUB_PATH_MAX], *slash = path, *component;
	struct stat status;
	bool more = true;

	if (strlcpy(path, name, sizeof(path)) >= sizeof(path))
		return (false);
	while (more) {
		component = slash;
		slash += strcspn(slash, "/");
		more = *slash == '/';
		*slash = '\0';
		if (!fs_name_valid_snapshot(component) || fstatat(pass->root, path,
		    &status, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISDIR(status.st_mode))
			return (false);
		if (more)
			*slash++ = '/';
	}
	return (true);
}

/* Operands that name nothing. */
static int
check_filesystems(const struct pass *pass, struct error *error)
{
	if (pass->scrub->filesystems == NULL)
		return (0);
	for (char *const *name = pass->scrub->filesystems; *name != NULL; name++)
		if (!is_filesystem(pass, *name))
			return (error_set(error, EXIT_FAILED,
			    "the archive has no filesystem \"%s\"", *name));
	return (0);
}

static int
run(struct pass *pass, struct error *error)
{
	struct scrub_walk walk = { .root = pass->root,
	    .filesystems = pass->scrub->filesystems, .visit = count_snapshot,
	    .on_unread = ignore_unread, .context = pass };

	if (check_root(pass, error) == -1)
		return (-1);
	if (pass->scrub->filesystems == NULL && !pass->scrub->anew)
		scrub_state_read(pass->root, &pass->state);
	if (pass->state.began == 0 || pass->state.finished != 0)
		pass->state = (struct scrub_state){ .began = io_time_of_day() };
	pass->totals->began = pass->state.began;
	if (check_filesystems(pass, error) == -1 || scrub_walk(&walk, error) == -1)
		return (-1);
	remember(pass);
	pass->scrub->on_progress(pass->scrub->context, pass->totals);
	walk.visit = scrub_snapshot;
	walk.on_unread = on_unread;
	if (scrub_walk(&walk, error) == -1)
		return (-1);
	pass->totals->complete = !pass->late;
	if (!pass->late)
		pass->state.finished = io_time_of_day();
	remember(pass);
	return (0);
}

int
archive_scrub(int root, const struct archive_scrub *scrub,
    struct archive_scrub_totals *totals, struct error *error)
{
	struct pass pass = { .root = root, .scrub = scrub, .totals = totals,
	    .reading = { .rate = scrub->rate, .tick = tick },
	    .deadline = scrub->time_ms == IO_FOREVER ? IO_FOREVER :
	    io_now() + scrub->time_ms };
	const int lock = scrub_state_lock(root, error);
	int result;

	*totals = (struct archive_scrub_totals){ .began = 0 };
	if (lock == -1)
		return (-1);
	pass.reading.context = &pass;
	result = run(&pass, error);
	close(lock);
	return (result);
}
