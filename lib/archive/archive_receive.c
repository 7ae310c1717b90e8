#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_directory.h"
#include "archive/archive_intake.h"
#include "archive/archive_place.h"
#include "archive/archive_receive.h"
#include "archive/archive_record.h"
#include "base/buffer.h"
#include "base/io.h"
#include "base/signals.h"
#include "format/fs_name.h"
#include "format/zstream.h"

#define CHUNK		(128u << 10)	/* bytes per read */

/*
 * Reading a large part again may take hours, while its sender waits.  Take a little of
 * the stream now and then, so that it does not seem to stand still.
 */
#ifndef SIP_MS
#define SIP_MS		60000
#endif
#define SIP		4096		/* bytes */
#define SIPS_MAX	(64u << 20)	/* bytes: days */

/* The signal that ends us, once the part has been removed. */
static const int ending[] = { SIGHUP, SIGINT, SIGTERM };
#define ENDING (sizeof(ending) / sizeof(ending[0]))

struct receive {
	int root;
	const ReceiveReq *request;
	int fd;				/* the stream comes from here */
	struct verdict *verdict;
	struct progress *progress;
	struct error *error;
	int directory;			/* of the filesystem; -1: not yet */
	struct archive_intake intake;
	uint64_t received;		/* bytes */
	struct buffer sips;		/* taken while a part was read again */
	int64_t sip_at;
	struct archive_place place;
};

/* --- signals --- */

static void
catch_signals(void)
{
	struct sigaction action;

	/* A signal that nohup or a shell ignores stays ignored. */
	for (size_t i = 0; i < ENDING; i++)
		if (sigaction(ending[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			signals_catch(ending[i]);
}

/* Has one come? */
static int
check_signals(struct error *error)
{
	for (size_t i = 0; i < ENDING; i++)
		if (signals_take(ending[i]))
			return (error_set(error, EXIT_SIGNAL +
			    (unsigned)ending[i], "ended by signal %d", ending[i]));
	return (0);
}

/* --- the place --- */

static int
check_place(struct receive *receive, bool final)
{
	return (archive_place_check(&receive->place, receive->directory,
	    receive->request, &receive->intake.stream, final, receive->error));
}

/* Make the place, see whether it is free, and begin. */
static int
begin(struct receive *receive)
{
	int lock, result = -1;

	receive->directory = archive_open_locked(receive->root,
	    receive->request->filesystem, true, &lock, receive->error);
	if (receive->directory == -1)
		return (-1);
	if (archive_intake_init(&receive->intake, receive->directory,
	    receive->error) == 0 && check_place(receive, false) == 0)
		result = receive->place.present ? 0 :
		    archive_intake_open(&receive->intake, receive->error);
	close(lock);
	return (result);
}

/* The abandoned part, which may be another stream's. */
static int
open_part(struct receive *receive, struct archive_part *part)
{
	const int lock = archive_lock(receive->directory, true);
	int result;

	if (lock == -1)
		return (error_errno(receive->error, "archive: %s", ARCHIVE_LOCK));
	result = archive_part_settle(receive->directory, part, receive->error);
	close(lock);
	return (result);
}

/* ClearResumeToken: nobody continues that stream. */
static int
give_up_part(struct receive *receive)
{
	struct archive_part part;

	if (open_part(receive, &part) == -1)
		return (-1);
	archive_part_discard(receive->directory, &part, "ClearResumeToken gives it up");
	return (0);
}

/* --- the stream --- */

/* Wait for bytes: 1 if some have come, 0 if not, -1 to wait no longer. */
static int
await_bytes(struct receive *receive, int fd, int64_t deadline)
{
	struct verdict *verdict = receive->verdict;
	struct pollfd entries[2] = { { .fd = fd, .events = POLLIN },
	    { .fd = verdict->fd, .events = POLLIN } };

	io_poll(entries, 2, io_earlier(deadline, io_earlier(
	    progress_deadline(receive->progress), verdict_deadline(verdict))));
	progress_tick(receive->progress, receive->received, io_now());
	if (entries[1].revents != 0)
		verdict_read(verdict);
	if (check_signals(receive->error) == -1 ||
	    verdict_check(verdict, receive->error) == -1)
		return (-1);
	return (entries[0].revents != 0);
}

/* For archive_intake_resume(): is the stream still wanted? */
static int
look(void *context, struct error *error)
{
	struct receive *receive = context;
	const int64_t now = io_now();
	uint8_t bytes[SIP];
	ssize_t got;
	int ready;

	ready = await_bytes(receive, now >= receive->sip_at ? receive->fd : -1, now);
	if (ready != 1)
		return (ready);
	receive->sip_at = now + SIP_MS;
	got = io_read(receive->fd, bytes, sizeof(bytes));
	if (got == -1 || buffer_append(&receive->sips, bytes, (size_t)got) == -1)
		return (error_errno(error, "cannot read the stream"));
	receive->received += (uint64_t)got;
	return (0);
}

/* The stream resumes another one, as its first record says: go on with that. */
static int
resume(struct receive *receive, const uint8_t *record)
{
	struct archive_part part;
	struct zstream head;

	zstream_init(&head, "kept");
	head.may_resume = true;
	if (zstream_feed(&head, record, ZSTREAM_RECORD_SIZE, receive->error) == -1 ||
	    archive_place_check_stream(receive->request, &head,
	    receive->error) == -1)
		return (-1);
	if (receive->request->clearresumetoken)
		return (error_set(receive->error, EXIT_FAILED, "the stream goes on "
		    "with one that ClearResumeToken gives up"));
	if (open_part(receive, &part) == -1)
		return (-1);
	if (part.file == -1 || part.head.to_guid != head.to_guid ||
	    part.head.from_guid != head.from_guid) {
		io_close(&part.file);
		return (error_set(receive->error, EXIT_FAILED, part.live ?
		    "the stream goes on with one that another process is receiving" :
		    "the stream goes on with one of which nothing is left here"));
	}
	receive->sip_at = io_now() + SIP_MS;
	return (archive_intake_resume(&receive->intake, &part, look, receive,
	    receive->error));
}

/* As soon as the stream's beginning tells: no gigabytes in vain. */
static int
check_head(struct receive *receive)
{
	if (archive_place_check_stream(receive->request,
	    &receive->intake.stream, receive->error) == -1 ||
	    check_place(receive, false) == -1) {
		receive->intake.useless = true;
		return (-1);
	}
	return (receive->request->clearresumetoken ? give_up_part(receive) : 0);
}

/* The next bytes: at first a whole record, if the stream has one. */
static int
take(struct receive *receive, const uint8_t *bytes, size_t length)
{
	struct archive_intake *intake = &receive->intake;
	const bool known = intake->stream.begun;

	if (receive->received == 0 && length >= ZSTREAM_RECORD_SIZE &&
	    splice_is_resuming(bytes)) {
		/* For a snapshot that is there already any stream will do. */
		intake->stream.may_resume = receive->place.present;
		if (!receive->place.present && resume(receive, bytes) == -1)
			return (-1);
	}
	receive->received += length;
	if (archive_intake_feed(intake, bytes, length, receive->error) == -1 ||
	    archive_intake_feed(intake, buffer_front(&receive->sips),
	    buffer_length(&receive->sips), receive->error) == -1) {
		/* Nobody has compared it with the request. */
		intake->useless = intake->useless || (!known && !intake->resuming);
		return (-1);
	}
	buffer_free(&receive->sips);
	return (!known && intake->stream.begun ? check_head(receive) : 0);
}

static int
copy_stream(struct receive *receive, uint8_t *buffer)
{
	size_t have = 0, least = ZSTREAM_RECORD_SIZE;
	ssize_t got = 1;
	int ready;

	while (got > 0) {
		ready = await_bytes(receive, receive->fd, IO_FOREVER);
		if (ready == -1)
			return (-1);
		if (ready == 0)
			continue;
		got = io_read(receive->fd, buffer + have, CHUNK - have);
		if (got == -1)
			return (error_errno(receive->error, "cannot read the stream"));
		have += (size_t)got;
		if (have < least && got > 0)
			continue;
		if (have > 0 && take(receive, buffer, have) == -1)
			return (-1);
		have = 0;
		least = 1;
	}
	progress_end(receive->progress, receive->received);
	return (archive_intake_complete(&receive->intake, receive->error));
}

static int
copy(struct receive *receive)
{
	uint8_t *buffer = malloc(CHUNK);
	int result;

	if (buffer == NULL)
		return (error_errno(receive->error, "archive"));
	result = copy_stream(receive, buffer);
	free(buffer);
	return (result);
}

/* verdict_wait(), which a signal ends. */
static int
await_verdict(struct verdict *verdict, struct error *error)
{
	struct pollfd entry = { .fd = verdict->fd, .events = POLLIN };

	while (verdict->state == VERDICT_PENDING) {
		io_poll(&entry, 1, IO_FOREVER);
		if (check_signals(error) == -1)
			return (-1);
		if (entry.revents != 0)
			verdict_read(verdict);
	}
	return (verdict_wait(verdict, IO_FOREVER, error));
}

/* Store it, if nothing has changed that forbids it.  The lock is held. */
static int
finish_locked(struct receive *receive)
{
	const FilesystemVersion *to = receive->request->to;
	struct archive_intake *intake = &receive->intake;
	struct archive_snapshot snapshot = { .guid = to->guid,
	    .from_guid = intake->stream.from_guid, .createtxg = to->createtxg,
	    .creation = intake->stream.creation, .size = intake->stream.offset };

	strlcpy(snapshot.name, to->name, sizeof(snapshot.name));
	/* Another writer may have been quicker, or have removed the base. */
	if (check_place(receive, true) == -1) {
		intake->useless = true;
		return (-1);
	}
	/* The process that stored it may have died before the last sync. */
	if (receive->place.present)
		return (archive_sync(receive->directory, receive->error));
	if (intake->part.file == -1)
		return (error_set(receive->error, EXIT_FAILED, "%s@%s was there and "
		    "has been destroyed while it was received: send it again",
		    receive->request->filesystem, to->name));
	snapshot.arrival = receive->place.arrival;
	archive_record_add_digest(&snapshot, intake->digest);
	return (archive_commit(receive->directory, intake->part.name, &snapshot,
	    receive->error));
}

static int
finish(struct receive *receive)
{
	int lock, result;

	if (archive_intake_sync(&receive->intake, receive->error) == -1)
		return (-1);
	lock = archive_lock(receive->directory, true);
	if (lock == -1)
		return (error_errno(receive->error, "archive: %s", ARCHIVE_LOCK));
	result = finish_locked(receive);
	close(lock);
	return (result);
}

int
archive_receive(int root, const ReceiveReq *request, int fd,
    struct verdict *verdict, struct progress *progress, struct error *error)
{
	struct receive receive = { .root = root, .request = request, .fd = fd,
	    .verdict = verdict, .progress = progress, .error = error,
	    .directory = -1, .intake.part.file = -1,
	    .sips = BUFFER_EMPTY(SIPS_MAX) };
	int result = -1;

	if (request->to->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		return (error_set(error, EXIT_FAILED,
		    "version \"%s\" is not a snapshot", request->to->name));
	if (!fs_name_valid_snapshot(request->to->name))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a snapshot", request->to->name));
	catch_signals();
	if (begin(&receive) == 0 && copy(&receive) == 0 &&
	    await_verdict(verdict, error) == 0)
		result = finish(&receive);
	archive_intake_close(&receive.intake, result == -1);
	buffer_free(&receive.sips);
	archive_place_free(&receive.place);
	io_close(&receive.directory);
	if (result == -1) {
		/* A signal may have ended the wait for a lock. */
		if (error->code == EXIT_SYSTEM)
			check_signals(error);
		archive_tidy(root, request->filesystem);
	}
	return (result);
}
