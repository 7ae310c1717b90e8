#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_intake.h"
#include "base/diag.h"
#include "base/io.h"
#include "format/zstream_record.h"

#define CHUNK		(128u << 10)	/* bytes per read */
#define RENAME_EVERY	(1u << 20)	/* bytes; up to */
#define RENAME_RARELY	(16u << 20)	/* bytes, and from there on each time as many */

int
archive_intake_init(struct archive_intake *intake, int directory, struct error *error)
{
	*intake = (struct archive_intake){ .directory = directory, .part.file = -1,
	    .digest = stream_digest_new(NULL, NULL) };
	if (intake->digest == NULL)
		return (error_errno(error, "archive"));
	zstream_init(&intake->stream, "kept");
	anchor_follow(&intake->anchor, &intake->stream);
	stream_digest_attach(intake->digest, &intake->stream);
	return (0);
}

int
archive_intake_open(struct archive_intake *intake, struct error *error)
{
	return (archive_part_new(intake->directory, &intake->part, error));
}

/* --- storing --- */

/* Let the part's name follow the anchor, if that is this much ahead of it. */
static int
follow_anchor(struct archive_intake *intake, uint64_t bytes, struct error *error)
{
	const struct anchor *anchor = &intake->anchor;
	struct archive_part *part = &intake->part;

	/* A resumed part may be ahead of the bytes read again. */
	if (!anchor->known || anchor->offset <= part->anchor ||
	    (part->anchor != 0 && anchor->offset - part->anchor < bytes))
		return (0);
	return (archive_part_set_anchor(intake->directory, part,
	    intake->stream.to_guid, anchor->offset, error));
}

/* The next bytes of the whole stream. */
static int
store(void *context, const void *bytes, size_t length, struct error *error)
{
	struct archive_intake *intake = context;

	if (zstream_feed(&intake->stream, bytes, length, error) == -1)
		return (-1);
	if (intake->part.file == -1)
		return (0);
	if (io_write_all(intake->part.file, bytes, length, IO_FOREVER, error) == -1 ||
	    follow_anchor(intake, intake->part.anchor < RENAME_RARELY ?
	    RENAME_EVERY : RENAME_RARELY, error) == -1)
		return (error_prefix(error, "cannot store the stream"));
	return (0);
}

int
archive_intake_feed(struct archive_intake *intake, const void *bytes, size_t length,
    struct error *error)
{
	const int result = intake->resuming ?
	    splice_feed(&intake->splice, bytes, length, error) :
	    store(intake, bytes, length, error);

	if (result == -1)
		intake->useless = intake->resuming ?
		    intake->splice.foreign || !intake->splice.stream.corrupt :
		    !intake->stream.corrupt;
	return (result);
}

int
archive_intake_complete(struct archive_intake *intake, struct error *error)
{
	if (intake->resuming && splice_finish(&intake->splice, error) == -1) {
		intake->useless = intake->splice.foreign;
		return (-1);
	}
	return (zstream_finish(&intake->stream, error));
}

int
archive_intake_sync(struct archive_intake *intake, struct error *error)
{
	if (intake->part.file == -1 || fsync(intake->part.file) == 0)
		return (0);
	intake->useless = true;
	return (error_errno(error, "cannot store the stream"));
}

/* No listing of snapshots shows its space. */
static void
report_kept(const struct archive_intake *intake)
{
	const struct archive_part *part = &intake->part;
	struct stat status;

	if (fstat(part->file, &status) == 0)
		diag(DIAG_LOG "%s is kept, to be resumed: %" PRIu64 " bytes of %s",
		    part->name, (uint64_t)status.st_size, intake->stream.begun ?
		    intake->stream.to_name : part->head.to_name);
}

void
archive_intake_close(struct archive_intake *intake, bool broken)
{
	struct archive_part *part = &intake->part;
	struct error ignored;

	/* Not synced: until it is closed nobody else can resume it. */
	if (broken && !intake->useless && (part->anchor != 0 || intake->anchor.known) &&
	    follow_anchor(intake, 0, &ignored) == 0) {
		report_kept(intake);
		io_close(&part->file);
	} else if (broken)
		archive_part_discard(intake->directory, part, "its stream was refused, or "
		    "could not be stored");
	else
		archive_part_remove(intake->directory, part);
	stream_digest_free(intake->digest);
	free(intake->joint);
	*intake = (struct archive_intake){ .part.file = -1 };
}

/* --- going on --- */

/* Read exactly this many more bytes of the part again. */
static int
read_again(struct archive_intake *intake, uint8_t *bytes, size_t length,
    struct error *error)
{
	size_t have = 0;
	ssize_t got;

	while (have < length) {
		got = pread(intake->part.file, bytes + have, length - have,
		    (off_t)(intake->stream.offset + have));
		if (got == -1)
			return (error_set(error, EXIT_FAILED, "%s", strerror(errno)));
		if (got == 0)
			return (error_set(error, EXIT_FAILED, "it ends after %" PRIu64
			    " bytes", intake->stream.offset + have));
		have += (size_t)got;
	}
	return (zstream_feed(&intake->stream, bytes, length, error));
}

static bool
can_be_anchor(const struct zstream *stream)
{
	const uint32_t type = zstream_u32(stream, AT_TYPE);

	return (stream->state == ZSTREAM_IN_STREAM && stream->have == 0 &&
	    (type == RECORD_OBJECT || type == RECORD_WRITE ||
	    type == RECORD_WRITE_EMBEDDED));
}

/* The record and the payload of the anchor, at which the stream is. */
static int
read_joint(struct archive_intake *intake, size_t *length, struct error *error)
{
	struct zstream *stream = &intake->stream;
	uint8_t *grown;
	size_t payload;

	intake->joint = malloc(ZSTREAM_RECORD_SIZE);
	if (intake->joint == NULL)
		return (error_errno(error, "archive"));
	if (stream->have != 0 || stream->payload_left != 0)
		return (error_set(error, EXIT_FAILED, "no record begins at offset %"
		    PRIu64, stream->offset));
	if (read_again(intake, intake->joint, ZSTREAM_RECORD_SIZE, error) == -1)
		return (-1);
	if (!can_be_anchor(stream))
		return (error_set(error, EXIT_FAILED, "no stream can go on at offset %"
		    PRIu64, stream->at));
	payload = (size_t)stream->payload_left;
	*length = ZSTREAM_RECORD_SIZE + payload;
	grown = realloc(intake->joint, *length);
	if (grown == NULL)
		return (error_errno(error, "archive"));
	intake->joint = grown;
	return (read_again(intake, grown + ZSTREAM_RECORD_SIZE, payload, error));
}

/* Its good beginning can be resumed at an earlier anchor. */
static int
give_up_damaged(struct archive_intake *intake, struct error *error)
{
	const struct anchor *anchor = &intake->anchor;
	struct error ignored;

	if (anchor->known && anchor->offset < intake->part.anchor &&
	    archive_part_set_anchor(intake->directory, &intake->part,
	    intake->stream.to_guid, anchor->offset, &ignored) == 0)
		return (error_prefix(error, "what was kept of this stream is damaged: the "
		    "next attempt resumes before the damage"));
	intake->useless = true;
	return (error_prefix(error, "what was kept of this stream is damaged and has been "
	    "removed: the next attempt begins anew"));
}

/* Read the part up to the end of its anchor. */
static int
read_part(struct archive_intake *intake, int (*look)(void *, struct error *),
    void *context, size_t *joint_length, struct error *error)
{
	const struct zstream *stream = &intake->stream;
	uint8_t *chunk = malloc(CHUNK);
	uint64_t left;
	int result = chunk == NULL ? error_errno(error, "archive") : 0;
	bool ended = false;

	while (result == 0 && (left = intake->part.anchor - stream->offset) > 0) {
		ended = look(context, error) == -1;
		result = ended ? -1 : read_again(intake, chunk,
		    left < CHUNK ? (size_t)left : CHUNK, error);
	}
	free(chunk);
	if (result == 0)
		result = read_joint(intake, joint_length, error);
	return (result == 0 || ended || error->code != EXIT_FAILED ? result :
	    give_up_damaged(intake, error));
}

int
archive_intake_resume(struct archive_intake *intake, const struct archive_part *part,
    int (*look)(void *, struct error *), void *context, struct error *error)
{
	size_t length = 0;

	archive_part_remove(intake->directory, &intake->part);
	intake->part = *part;
	if (read_part(intake, look, context, &length, error) == -1)
		return (-1);
	/* Bytes behind the anchor come again. */
	if (ftruncate(intake->part.file, (off_t)intake->stream.offset) == -1 ||
	    lseek(intake->part.file, (off_t)intake->stream.offset, SEEK_SET) == -1)
		return (error_errno(error, "cannot store the stream"));
	splice_init(&intake->splice, &intake->stream, intake->joint, length, store,
	    intake);
	intake->resuming = true;
	return (0);
}
