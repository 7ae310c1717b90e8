#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_directory.h"
#include "archive/archive_list.h"
#include "archive/archive_part.h"
#include "base/diag.h"
#include "base/io.h"
#include "format/anchor.h"
#include "format/fs_name.h"

#define HEX_DIGITS	16
#define DAY		(24 * 60 * 60)
#define PIECE		4096	/* bytes of a read */
#define SEARCH		(64u << 20)	/* bytes: several records of the longest kind */
#define STEP		4	/* bytes: records begin at a multiple of it */

static const struct archive_part no_part = { .file = -1 };

/* --- names --- */

/* 16 hex digits at text, and behind them `end`. */
static bool
get_hex(const char *text, char end, uint64_t *value)
{
	if (strspn(text, "0123456789abcdef") != HEX_DIGITS || text[HEX_DIGITS] != end)
		return (false);
	*value = strtoull(text, NULL, 16);
	return (true);
}

/* The guid and the anchor in a name; false if it has none. */
static bool
parse_name(const char *name, uint64_t *guid, uint64_t *anchor)
{
	const size_t length = strlen(name), tail = 2 * (1 + HEX_DIGITS);
	const char *at;

	if (length >= ARCHIVE_PART_NAME_MAX || length < strlen(ARCHIVE_RECEIVING) + tail)
		return (false);
	at = name + length - tail;
	return (*at == '.' && get_hex(at + 1, '.', guid) &&
	    get_hex(at + 2 + HEX_DIGITS, '\0', anchor) && *anchor != 0);
}

int
archive_part_new(int directory, struct archive_part *part, struct error *error)
{
	*part = no_part;
	snprintf(part->name, sizeof(part->name), ARCHIVE_RECEIVING "%ld.%08" PRIx32,
	    (long)getpid(), arc4random());
	part->file = openat(directory, part->name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (part->file == -1 || flock(part->file, LOCK_EX | LOCK_NB) == -1)
		return (error_errno(error, "archive: %s", part->name));
	return (0);
}

int
archive_part_set_anchor(int directory, struct archive_part *part, uint64_t guid,
    uint64_t anchor, struct error *error)
{
	char name[ARCHIVE_PART_NAME_MAX];
	uint64_t ignored;
	size_t length = strlen(part->name);

	if (parse_name(part->name, &ignored, &ignored))
		length -= 2 * (1 + HEX_DIGITS);
	if ((size_t)snprintf(name, sizeof(name), "%.*s.%016" PRIx64 ".%016" PRIx64,
	    (int)length, part->name, guid, anchor) >= sizeof(name))
		return (error_set(error, EXIT_FAILED, "archive: the name %s is too long",
		    part->name));
	if (renameat(directory, part->name, directory, name) == -1)
		return (error_errno(error, "archive: %s", name));
	strlcpy(part->name, name, sizeof(part->name));
	part->anchor = anchor;
	return (0);
}

void
archive_part_remove(int directory, struct archive_part *part)
{
	/* Gone already where it was committed. */
	if (part->file != -1)
		unlinkat(directory, part->name, 0);
	io_close(&part->file);
}

void
archive_part_discard(int directory, struct archive_part *part, const char *why)
{
	struct stat status;

	/* Without an anchor it was short, and nobody was told of it. */
	if (part->file != -1 && part->anchor != 0 && fstat(part->file, &status) == 0)
		diag(DIAG_LOG "%s is removed, %" PRIu64 " bytes: %s", part->name,
		    (uint64_t)status.st_size, why);
	archive_part_remove(directory, part);
}

/* --- which one can be resumed --- */

/* Read its BEGIN, and as little as possible beyond; false if it has no valid one. */
static bool
read_head(int file, struct zstream *head)
{
	uint8_t piece[PIECE];
	struct error ignored;
	uint64_t want;
	ssize_t got;

	zstream_init(head, "resumed");
	while (!head->begun) {
		want = head->payload_left > 0 ? head->payload_left :
		    ZSTREAM_RECORD_SIZE - head->have;
		got = pread(file, piece, want < PIECE ? (size_t)want : PIECE,
		    (off_t)head->offset);
		if (got <= 0 || zstream_feed(head, piece, (size_t)got, &ignored) == -1)
			return (false);
	}
	return (true);
}

/* Can its token name it? */
static bool
names_snapshot(const struct zstream *head)
{
	char filesystem[sizeof(head->to_name)];

	strlcpy(filesystem, head->to_name, sizeof(filesystem));
	*strchr(filesystem, '@') = '\0';
	return (fs_name_valid_filesystem(filesystem) &&
	    fs_name_valid_snapshot(zstream_snapshot(head)));
}

/*
 * The offset of the last record but one before `end` that seems to be an anchor, so that
 * its payload is complete; 0 if none does.
 */
static uint64_t
search(const struct archive_part *part, uint64_t end)
{
	uint8_t piece[PIECE + ANCHOR_LOOK];
	uint64_t base = end;
	bool found = false;
	ssize_t got;

	while (base > 0 && end - base < SEARCH) {
		base = (base - 1) / PIECE * PIECE;
		got = pread(part->file, piece, sizeof(piece), (off_t)base);
		for (size_t at = PIECE; got != -1 && at > 0;) {
			at -= STEP;
			if (at + ANCHOR_LOOK > (size_t)got || base + at >= end ||
			    !anchor_seems(piece + at, part->head.to_guid))
				continue;
			if (found)
				return (base + at);
			found = true;
		}
	}
	return (0);
}

static bool
describe_anchor(struct archive_part *part)
{
	uint8_t record[ZSTREAM_RECORD_SIZE];
	struct error ignored;

	if (pread(part->file, record, sizeof(record), (off_t)part->anchor) !=
	    (ssize_t)sizeof(record) ||
	    anchor_token(&part->token, &part->head, record, &ignored) == -1)
		return (false);
	part->token.bytes = part->anchor;
	return (true);
}

/*
 * After a crash of the machine the name can be ahead of the disk.  The place found
 * instead need not be an anchor: that shows when the part is read again.
 */
static bool
describe(int directory, struct archive_part *part, const struct stat *status)
{
	const uint64_t size = (uint64_t)status->st_size;
	struct error ignored;
	uint64_t anchor;

	if (describe_anchor(part))
		return (true);
	anchor = search(part, part->anchor < size ? part->anchor : size);
	return (anchor != 0 && archive_part_set_anchor(directory, part,
	    part->head.to_guid, anchor, &ignored) == 0 && describe_anchor(part));
}

/* Why it cannot be resumed, now or when its base has been repaired; NULL: it can. */
static const char *
defect_of(int directory, struct archive_part *part, const struct stat *status,
    const struct archive_list *list)
{
	const struct archive_entry *same, *base;
	const struct zstream *head = &part->head;
	uint64_t guid;

	if (!parse_name(part->name, &guid, &part->anchor) ||
	    part->anchor > INT64_MAX - ZSTREAM_RECORD_SIZE ||
	    !read_head(part->file, &part->head) || head->to_guid != guid ||
	    head->from_guid == guid || !names_snapshot(head) ||
	    !describe(directory, part, status))
		return ("it is damaged");
	if (status->st_mtime < io_time_of_day() - ARCHIVE_PART_DAYS * DAY)
		return ("it is too old");
	same = archive_find_guid(list, guid);
	if (same != NULL && same->defect == ARCHIVE_SOUND)
		return ("its snapshot is stored");
	base = archive_find_guid(list, head->from_guid);
	if (head->from_guid != 0 && base == NULL)
		return ("the base of its increment is gone");
	part->has_base = head->from_guid == 0 || base->defect == ARCHIVE_SOUND;
	return (NULL);
}

/* Open and lock it, unless it is alive. */
static bool
open_abandoned(int directory, const char *name, struct archive_part *part,
    struct stat *status, bool *live)
{
	uint64_t ignored;

	*part = no_part;
	if (strlcpy(part->name, name, sizeof(part->name)) >= sizeof(part->name))
		return (false);
	part->file = openat(directory, name,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (part->file == -1)
		return (false);
	if (flock(part->file, LOCK_EX | LOCK_NB) == 0 &&
	    fstat(part->file, status) == 0)
		return (true);
	*live = *live || parse_name(name, &ignored, &ignored);
	io_close(&part->file);
	return (false);
}

/*
 * Of the same snapshot the longer one: its writer may have been slow to die, so that a
 * new stream began meanwhile.  Otherwise the newer one.
 */
static bool
is_better(const struct archive_part *part, const struct stat *status,
    const struct archive_part *than, const struct stat *than_status)
{
	if (part->head.to_guid == than->head.to_guid &&
	    part->head.from_guid == than->head.from_guid && part->anchor != than->anchor)
		return (part->anchor > than->anchor);
	if (status->st_mtim.tv_sec != than_status->st_mtim.tv_sec)
		return (status->st_mtim.tv_sec > than_status->st_mtim.tv_sec);
	return (status->st_mtim.tv_nsec > than_status->st_mtim.tv_nsec);
}

static int
settle(int directory, DIR *stream, struct archive_list *list, struct archive_part *best,
    struct error *error)
{
	static const char another[] = "another one is kept";
	struct stat status, best_status = { .st_mtim.tv_sec = 0 };
	struct archive_part part;
	struct dirent *entry;
	const char *defect;
	bool live = false;

	while ((entry = readdir(stream)) != NULL) {
		if (strncmp(entry->d_name, ARCHIVE_RECEIVING,
		    strlen(ARCHIVE_RECEIVING)) != 0 || !open_abandoned(directory,
		    entry->d_name, &part, &status, &live))
			continue;
		/* All records are read, but not only because others are writing. */
		if (list->entries == NULL && archive_list(directory, list, error) == -1) {
			io_close(&part.file);
			return (-1);
		}
		defect = defect_of(directory, &part, &status, list);
		if (defect == NULL && (best->file == -1 ||
		    is_better(&part, &status, best, &best_status))) {
			archive_part_discard(directory, best, another);
			*best = part;
			best_status = status;
		} else
			archive_part_discard(directory, &part,
			    defect != NULL ? defect : another);
	}
	best->live = live;
	return (0);
}

int
archive_part_settle(int directory, struct archive_part *part, struct error *error)
{
	DIR *stream = archive_directory_stream(directory, error);
	struct archive_list list = { .entries = NULL };
	int result;

	*part = no_part;
	if (stream == NULL)
		return (-1);
	result = settle(directory, stream, &list, part, error);
	if (result == -1)
		io_close(&part->file);
	archive_list_free(&list);
	closedir(stream);
	return (result);
}

int
archive_part_token(int directory, char **text, struct error *error)
{
	const int lock = archive_lock(directory, true);
	struct archive_part part;
	int result;

	*text = NULL;
	if (lock == -1)
		return (0);
	result = archive_part_settle(directory, &part, error);
	if (result == 0 && part.file != -1 && part.has_base) {
		*text = resume_token_encode(&part.token, error);
		result = *text == NULL ? -1 : 0;
	}
	io_close(&part.file);
	close(lock);
	return (result);
}
