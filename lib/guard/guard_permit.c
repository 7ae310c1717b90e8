#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "format/rfc3339.h"
#include "guard/guard_permit.h"

/* Its NUL, too: no two lists of words look the same. */
static void
add(SHA2_CTX *hash, const char *word)
{
	SHA256Update(hash, (const uint8_t *)word, strlen(word) + 1);
}

/* "e3b0c442...", of the endpoint, the client and the filesystem. */
static void
name_file(char name[SHA256_DIGEST_STRING_LENGTH], const struct guard *guard,
    const char *filesystem)
{
	const char *identity = getenv("ZR_CLIENT_IDENTITY");
	SHA2_CTX hash;

	SHA256Init(&hash);
	add(&hash, filesystem);
	add(&hash, identity == NULL ? "" : identity);
	for (size_t i = 0; guard->endpoint[i] != NULL; i++)
		add(&hash, guard->endpoint[i]);
	SHA256End(&hash, name);
}

/* Open for the one that may change it; -1 with errno. */
static int
open_locked(const char *directory, const char *name)
{
	int parent, file, why;

	if (mkdir(directory, 0700) == -1 && errno != EEXIST)
		return (-1);
	parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent == -1)
		return (-1);
	file = openat(parent, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	why = errno;
	close(parent);
	errno = why;
	if (file != -1 && flock(file, LOCK_EX) == -1) {
		why = errno;
		close(file);
		errno = why;
		return (-1);
	}
	return (file);
}

/* An empty file is one that has just been made: nothing was permitted yet. */
static int
judge(int file, const char *filesystem, int64_t now, struct error *error)
{
	char again[RFC3339_SIZE];
	struct stat status;
	int64_t last;

	if (fstat(file, &status) == -1)
		return (error_errno(error, "permissions"));
	last = status.st_mtim.tv_sec;
	/* A clock that was wrong must not forbid it for years. */
	if (status.st_size == 0 || now >= last + GUARD_PERMIT_S ||
	    last > now + GUARD_PERMIT_S)
		return (0);
	rfc3339_format(again, last + GUARD_PERMIT_S);
	return (error_set(error, EXIT_FAILED, "\"%s\": a partial stream was thrown "
	    "away less than an hour ago: the next one not before %s", filesystem,
	    again));
}

static int
note(int file, int64_t now)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
	    { .tv_sec = (time_t)now } };

	return (pwrite(file, "\n", 1, 0) == 1 ? futimens(file, times) : -1);
}

int
guard_permit(const struct guard *guard, const char *filesystem, int64_t now,
    struct error *error)
{
	char name[SHA256_DIGEST_STRING_LENGTH];
	int file, result;

	name_file(name, guard, filesystem);
	file = open_locked(guard->directory, name);
	result = file == -1 ? -1 : judge(file, filesystem, now, error);
	if (file != -1 && result == -1) {
		close(file);
		return (-1);
	}
	if (result == 0)
		result = note(file, now);
	if (result == -1) {
		error_errno(error, "%s", guard->directory);
		error_prefix(error, "the partial stream is not thrown away, since "
		    "that cannot be noted (-d DIRECTORY)");
	}
	io_close(&file);
	return (result);
}
