#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lines.h"
#include "base/utf8.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "plan/listing.h"

int
listing_compare_names(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	if (*a == *b)
		return (0);
	/* The end of a component comes before any character. */
	if (*a == '\0' || *b == '\0')
		return (*a == '\0' ? -1 : 1);
	if (*a == '/' || *b == '/')
		return (*a == '/' ? -1 : 1);
	return ((unsigned char)*a < (unsigned char)*b ? -1 : 1);
}

bool
listing_is_below(const char *name, const char *ancestor)
{
	const size_t length = strlen(ancestor);

	return (strncmp(name, ancestor, length) == 0 && name[length] == '/');
}

bool
version_is_snapshot(const FilesystemVersion *version)
{
	return (version->type == FILESYSTEM_VERSION__VERSION_TYPE__Snapshot);
}

static int
compare_versions(const void *left, const void *right)
{
	const FilesystemVersion *a = *(FilesystemVersion *const *)left;
	const FilesystemVersion *b = *(FilesystemVersion *const *)right;

	if (a->createtxg != b->createtxg)
		return (a->createtxg < b->createtxg ? -1 : 1);
	if (a->type != b->type)
		return (version_is_snapshot(b) ? -1 : 1);
	return (strcmp(a->name, b->name));
}

void
listing_sort_versions(Listing *filesystem)
{
	if (filesystem->n_versions > 1)
		qsort(filesystem->versions, filesystem->n_versions,
		    sizeof(filesystem->versions[0]), compare_versions);
}

/* A Listing whose parts lie in another message, or in text. */
struct entry {
	Listing listing;		/* first: listing_entry_free() */
	ListingError error;
	ProtobufCMessage *owner;	/* the message; NULL: none */
	char text[];			/* strings, each with its NUL */
};

static char *
put_text(char **at, const char *text)
{
	char *copy = *at;
	const size_t size = strlen(text) + 1;

	memcpy(copy, text, size);
	*at += size;
	return (copy);
}

Listing *
listing_entry(const Filesystem *filesystem, ListFilesystemVersionsRes *versions,
    const struct error *why, struct error *error)
{
	const char *message = why != NULL ? why->text : "";
	struct entry *entry = calloc(1, sizeof(*entry) +
	    strlen(filesystem->path) + strlen(filesystem->resumetoken) +
	    strlen(message) + 3);
	char *at;

	if (entry == NULL) {
		pbjson_free(versions != NULL ? &versions->base : NULL);
		error_errno(error, "listing");
		return (NULL);
	}
	at = entry->text;
	listing__init(&entry->listing);
	entry->listing.filesystem = put_text(&at, filesystem->path);
	entry->listing.resumetoken = put_text(&at, filesystem->resumetoken);
	entry->listing.isplaceholder = filesystem->isplaceholder;
	if (why != NULL) {
		listing_error__init(&entry->error);
		entry->error.code = why->code;
		entry->error.message = at;
		utf8_sanitize(at, message, strlen(message));
		entry->listing.error = &entry->error;
	}
	if (versions != NULL) {
		entry->owner = &versions->base;
		entry->listing.n_versions = versions->n_versions;
		entry->listing.versions = versions->versions;
	}
	return (&entry->listing);
}

void
listing_entry_free(Listing *listing)
{
	struct entry *entry = (struct entry *)listing;

	if (entry == NULL)
		return;
	pbjson_free(entry->owner);
	free(entry);
}

int
listing_append(struct listing *listing, Listing *entry, struct error *error)
{
	Listing **grown;
	size_t room;

	if (listing->count == listing->room) {
		room = listing->room == 0 ? 64 : 2 * listing->room;
		grown = reallocarray(listing->filesystems, room, sizeof(*grown));
		if (grown == NULL) {
			listing_entry_free(entry);
			return (error_errno(error, "listing"));
		}
		listing->filesystems = grown;
		listing->room = room;
	}
	listing_sort_versions(entry);
	listing->filesystems[listing->count++] = entry;
	return (0);
}

/* -1 (EXIT_USAGE): the line is invalid. */
static int
add_line(struct listing *listing, const char *line, size_t length, struct error *error)
{
	struct entry *entry = NULL;
	ProtobufCMessage *parsed;

	parsed = pbjson_parse(&listing__descriptor, request_check, line, length,
	    error);
	if (parsed == NULL)
		goto invalid;
	if (((Listing *)parsed)->filesystem[0] == '\0') {
		error_set(error, EXIT_USAGE, "Listing.Filesystem is missing");
		goto invalid;
	}
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL) {
		error_errno(error, "listing");
		goto invalid;
	}
	entry->listing = *(Listing *)parsed;
	entry->owner = parsed;
	return (listing_append(listing, &entry->listing, error));
invalid:
	pbjson_free(parsed);
	if (error->code != EXIT_SYSTEM)
		error->code = EXIT_USAGE;
	return (-1);
}

static int
compare_filesystems(const void *left, const void *right)
{
	return (listing_compare_names((*(Listing *const *)left)->filesystem,
	    (*(Listing *const *)right)->filesystem));
}

int
listing_sort(struct listing *listing, struct error *error)
{
	if (listing->count > 1)
		qsort(listing->filesystems, listing->count,
		    sizeof(listing->filesystems[0]), compare_filesystems);
	for (size_t i = 1; i < listing->count; i++)
		if (compare_filesystems(&listing->filesystems[i - 1],
		    &listing->filesystems[i]) == 0)
			return (error_set(error, EXIT_USAGE, "%s is listed twice",
			    listing->filesystems[i]->filesystem));
	return (0);
}

static int
read_lines(struct listing *listing, int fd, struct error *error)
{
	struct lines lines = LINES_EMPTY(LISTING_LINE_MAX);
	size_t number = 0, length;
	const char *line;
	int result = -1;

	do {
		if (io_wait(fd, POLLIN, IO_FOREVER, error) == -1 ||
		    lines_read(&lines, fd, error) == -1)
			goto out;
		while ((line = lines_next(&lines, &length)) != NULL) {
			number++;
			if (add_line(listing, line, length, error) == -1) {
				error_prefix(error, "line %zu", number);
				goto out;
			}
		}
	} while (!lines_done(&lines));
	result = listing_sort(listing, error);
out:
	lines_free(&lines);
	return (result);
}

int
listing_read(struct listing *listing, const char *path, struct error *error)
{
	const bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd == -1)
		return (error_errno(error, "%s", path));
	result = read_lines(listing, fd, error);
	if (result == -1)
		error_prefix(error, "%s", standard ? "standard input" : path);
	if (!standard)
		io_close(&fd);
	return (result);
}

const Listing *
listing_find(const struct listing *listing, const char *name)
{
	size_t low = 0, high = listing->count, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = listing_compare_names(name,
		    listing->filesystems[middle]->filesystem);
		if (order == 0)
			return (listing->filesystems[middle]);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return (NULL);
}

void
listing_free(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		listing_entry_free(listing->filesystems[i]);
	free(listing->filesystems);
	*listing = (struct listing){ .count = 0 };
}
