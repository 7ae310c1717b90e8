#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/archive_record.h"
#include "archive/archive_scrub_stream.h"
#include "base/io.h"
#include "base/signals.h"
#include "format/zstream.h"
#include "format/zstream_record.h"
#include "streamsum/sum_line.h"

#define WINDOW	(1u << 20)	/* bytes that are asked for ahead */
#define CHUNK	(128u << 10)	/* bytes per read */
#define PAGES_MAX (WINDOW / 4096)

struct scrub_run {
	int file;
	const struct archive_snapshot *snapshot;
	struct scrub_reading *reading;
	struct scrub_damage *damage;
	struct error *error;
	struct zstream stream;
	struct stream_digest *digest;	/* NULL: the record has none */
	/* The stream is good up to this offset; then comes this object. */
	uint64_t good, object;
	bool has_object;
	uint64_t at;			/* of the next byte to read */
	uint8_t chunk[CHUNK];
};

static int
say(struct scrub_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int
say(struct scrub_run *run, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(run->damage->text, sizeof(run->damage->text), format, arguments);
	va_end(arguments);
	return (SCRUB_STREAM_DAMAGED);
}

/* --- the page cache --- */

/* Is some of it cached?  If that cannot be told, it counts as cached, and stays. */
static bool
is_cached(int file, uint64_t at)
{
	unsigned char pages[PAGES_MAX] = { 0 };
	void *map = mmap(NULL, WINDOW, PROT_READ, MAP_SHARED, file, (off_t)at);
	bool cached = false;

	if (map == MAP_FAILED)
		return (true);
	if (mincore(map, WINDOW, pages) == -1 && errno != ENOMEM)
		cached = true;
	munmap(map, WINDOW);
	for (size_t i = 0; i < PAGES_MAX; i++)
		cached = cached || (pages[i] & 1) != 0;
	return (cached);
}

/*
 * Ask for the window at this offset; true if it is to be dropped afterwards.  The kernel
 * itself does not read ahead then (POSIX_FADV_RANDOM), since its pages could not be told
 * from those that others use.
 */
static bool
bring(int file, uint64_t at)
{
	if (is_cached(file, at))
		return (false);
	posix_fadvise(file, (off_t)at, WINDOW, POSIX_FADV_WILLNEED);
	return (true);
}

/* --- the stream --- */

static int
see_record(void *context, const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	struct scrub_run *run = context;

	(void)error;
	/* A BEGIN has no checksum of its own. */
	run->good = type == RECORD_BEGIN ? stream->at : stream->at + ZSTREAM_RECORD_SIZE;
	run->has_object = type == RECORD_OBJECT || type == RECORD_WRITE ||
	    type == RECORD_SPILL || type == RECORD_WRITE_EMBEDDED;
	run->object = run->has_object ? zstream_u64(stream, OBJECT_NUMBER) : 0;
	return (0);
}

/* What zstream.h has refused. */
static int
refused(struct scrub_run *run)
{
	struct scrub_damage *damage = run->damage;

	if (!run->stream.corrupt)
		return (say(run, "%s", run->error->text));
	damage->has_place = true;
	damage->from = run->good;
	damage->to = run->stream.at + ZSTREAM_RECORD_SIZE;
	damage->has_object = run->has_object;
	damage->object = run->object;
	if (run->has_object)
		return (say(run, "checksum mismatch between the offsets %" PRIu64 " and %"
		    PRIu64 ", at object %" PRIu64, damage->from, damage->to,
		    damage->object));
	return (say(run, "checksum mismatch between the offsets %" PRIu64 " and %" PRIu64,
	    damage->from, damage->to));
}

static int
unreadable(struct scrub_run *run)
{
	if (errno != EIO)
		return (error_errno(run->error, "cannot be read at offset %" PRIu64,
		    run->at));
	run->damage->has_place = true;
	run->damage->from = run->at;
	run->damage->to = run->at + CHUNK;
	return (say(run, "cannot be read at offset %" PRIu64 ": %s", run->at,
	    strerror(EIO)));
}

int
scrub_signal(struct error *error)
{
	int number;

	/* Only there is a signal delivered. */
	io_poll(NULL, 0, io_now());
	number = signals_take_end();
	return (number == 0 ? 0 : error_set(error, EXIT_SIGNAL + (unsigned)number,
	    "ended by signal %d", number));
}

/* Wait until bytes may be read: SCRUB_STREAM_SOUND, and their number. */
static int
await(struct scrub_run *run, size_t *length)
{
	struct scrub_reading *reading = run->reading;
	int64_t now = io_now();

	while ((*length = rate_available(&reading->rate, now)) == 0 &&
	    now < reading->deadline) {
		io_poll(NULL, 0, io_earlier(reading->deadline,
		    rate_ready_at(&reading->rate, now)));
		now = io_now();
		if (scrub_signal(run->error) == -1)
			return (-1);
	}
	if (scrub_signal(run->error) == -1)
		return (-1);
	return (now >= reading->deadline ? SCRUB_STREAM_LATE : SCRUB_STREAM_SOUND);
}

/* Up to an offset, or the end of file. */
static int
read_to(struct scrub_run *run, uint64_t end, bool *ended)
{
	struct scrub_reading *reading = run->reading;
	size_t length;
	ssize_t got;
	int result;

	while (run->at < end) {
		result = await(run, &length);
		if (result != SCRUB_STREAM_SOUND)
			return (result);
		length = length < CHUNK ? length : CHUNK;
		length = length < end - run->at ? length : (size_t)(end - run->at);
		do
			got = pread(run->file, run->chunk, length, (off_t)run->at);
		while (got == -1 && errno == EINTR);
		if (got == -1)
			return (unreadable(run));
		*ended = got == 0;
		if (*ended)
			break;
		rate_take(&reading->rate, (size_t)got);
		reading->bytes += (size_t)got;
		run->at += (size_t)got;
		if (zstream_feed(&run->stream, run->chunk, (size_t)got,
		    run->error) == -1)
			return (refused(run));
		reading->tick(reading->context);
	}
	return (SCRUB_STREAM_SOUND);
}

static int
read_all(struct scrub_run *run)
{
	bool drop, drop_next = bring(run->file, 0), ended = false;
	int result = SCRUB_STREAM_SOUND;

	for (uint64_t at = 0; result == SCRUB_STREAM_SOUND && !ended; at += WINDOW) {
		drop = drop_next;
		drop_next = bring(run->file, at + WINDOW);
		result = read_to(run, at + WINDOW, &ended);
		if (drop)
			posix_fadvise(run->file, (off_t)at, WINDOW,
			    POSIX_FADV_DONTNEED);
		if (drop_next && (ended || result != SCRUB_STREAM_SOUND))
			posix_fadvise(run->file, (off_t)(at + WINDOW), WINDOW,
			    POSIX_FADV_DONTNEED);
	}
	if (result == SCRUB_STREAM_SOUND &&
	    zstream_finish(&run->stream, run->error) == -1)
		return (refused(run));
	return (result);
}

/* --- the record --- */

static int
check_digest(struct scrub_run *run)
{
	const struct archive_snapshot *snapshot = run->snapshot;
	struct stream_sum sum;

	if (run->digest == NULL)
		return (SCRUB_STREAM_SOUND);
	if (stream_digest_finish(run->digest, &sum, run->error) == -1)
		return (run->error->code == EXIT_SYSTEM ? -1 :
		    say(run, "its record has a digest, but it can have none: %s",
		    run->error->text));
	if (sum.kind != snapshot->digest_kind || memcmp(sum.digest, snapshot->digest,
	    sizeof(sum.digest)) != 0)
		return (say(run, "its %s digest is not that of the record",
		    sum_line_kind(snapshot->digest_kind)));
	return (SCRUB_STREAM_SOUND);
}

/* A whole stream, but is it that of the record? */
static int
check_record(struct scrub_run *run)
{
	const struct archive_snapshot *snapshot = run->snapshot;
	const struct zstream *stream = &run->stream;

	if (stream->to_guid != snapshot->guid)
		return (say(run, "it is the stream of the snapshot with guid %" PRIu64
		    ", not %" PRIu64, stream->to_guid, snapshot->guid));
	if (strcmp(zstream_snapshot(stream), snapshot->name) != 0)
		return (say(run, "it is the stream of a snapshot of another name, %.255s",
		    zstream_snapshot(stream)));
	if (stream->from_guid != snapshot->from_guid)
		return (say(run, "its base is the snapshot with guid %" PRIu64 ", not %"
		    PRIu64, stream->from_guid, snapshot->from_guid));
	if (stream->creation != snapshot->creation)
		return (say(run, "its snapshot was made at second %" PRId64 ", not %"
		    PRId64, stream->creation, snapshot->creation));
	if (stream->offset != snapshot->size)
		return (say(run, "%" PRIu64 " bytes, not %" PRIu64, stream->offset,
		    snapshot->size));
	return (check_digest(run));
}

int
scrub_stream(int file, const struct archive_snapshot *snapshot,
    struct scrub_reading *reading, struct scrub_damage *damage, struct error *error)
{
	struct scrub_run *run = malloc(sizeof(*run));
	int result = -1;

	*damage = (struct scrub_damage){ .has_place = false };
	if (run == NULL)
		return (error_errno(error, "scrub"));
	*run = (struct scrub_run){ .file = file, .snapshot = snapshot,
	    .reading = reading, .damage = damage, .error = error };
	zstream_init(&run->stream, "kept");
	zstream_add_sink(&run->stream, &(struct zstream_sink){ .record = see_record,
	    .context = run });
	if (snapshot->has_digest) {
		run->digest = stream_digest_new(NULL, NULL);
		if (run->digest == NULL) {
			error_errno(error, "scrub");
			goto out;
		}
		stream_digest_attach(run->digest, &run->stream);
	}
	posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
	result = read_all(run);
	if (result == SCRUB_STREAM_SOUND)
		result = check_record(run);
out:
	stream_digest_free(run->digest);
	free(run);
	return (result);
}
