/*
 * Receive: what it would throw away besides, and then the endpoint itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "guard/guard.h"
#include "guard/guard_floor.h"
#include "guard/guard_permit.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "transport/chain.h"

#define ARGUMENT_MAX ((128u << 10) - 1)	/* Linux: MAX_ARG_STRLEN */

/* *found is NULL if the endpoint does not list it.  -1: it lists it twice. */
static int
find(const ListFilesystemRes *listing, const char *name,
    const Filesystem **found, struct error *error)
{
	*found = NULL;
	for (size_t i = 0; i < listing->n_filesystems; i++) {
		if (strcmp(listing->filesystems[i]->path, name) != 0)
			continue;
		if (*found != NULL)
			return (error_set(error, EXIT_PROTOCOL, "the endpoint lists "
			    "the filesystem \"%s\" twice", name));
		*found = listing->filesystems[i];
	}
	return (0);
}

/*
 * Where there is nothing to throw away the endpoint is not asked for it: what it would
 * find once the client lets it look may be another client's.
 */
static int
check_partial(const struct guard *guard, const Filesystem *filesystem,
    ReceiveReq *request, struct error *error)
{
	if (!request->clearresumetoken)
		return (0);
	if (filesystem == NULL || filesystem->resumetoken[0] == '\0') {
		request->clearresumetoken = false;
		return (0);
	}
	if (guard->rules == NULL)
		return (error_set(error, EXIT_FAILED, "\"%s\": the partial stream is "
		    "kept: this receiver is append only", request->filesystem));
	return (guard_permit(guard, request->filesystem, io_time_of_day(), error));
}

/* A filesystem that takes a placeholder's place takes its snapshots away. */
static int
check_placeholder(const struct guard *guard, const Filesystem *filesystem,
    const ReceiveReq *request, struct error *error)
{
	char reason[GUARD_REASON_SIZE];
	struct guard_floor floor;
	int result;

	if (filesystem == NULL || !filesystem->isplaceholder)
		return (0);
	result = guard_floor_read(&floor, guard, request->filesystem, error);
	for (size_t i = 0; i < floor.count && result == 0; i++) {
		if (floor.snapshots[i].by == 0)
			continue;
		guard_floor_reason(reason, guard, floor.snapshots[i].by,
		    request->filesystem, floor.snapshots[i].name);
		result = error_set(error, EXIT_FAILED, "the placeholder is not "
		    "replaced: %s", reason);
	}
	guard_floor_free(&floor);
	return (result);
}

static int
check(const struct guard *guard, ReceiveReq *request, struct error *error)
{
	const ListFilesystemReq all = LIST_FILESYSTEM_REQ__INIT;
	const Filesystem *filesystem;
	ListFilesystemRes *listing;
	int result = -1;

	listing = (ListFilesystemRes *)guard_call(guard, "ListFilesystems",
	    &all.base, request->filesystem, error);
	if (listing == NULL)
		return (-1);
	if (find(listing, request->filesystem, &filesystem, error) == 0 &&
	    check_placeholder(guard, filesystem, request, error) == 0)
		result = check_partial(guard, filesystem, request, error);
	pbjson_free(&listing->base);
	return (result);
}

/* The command line with the request as it was judged; the text is *text, too. */
static char **
command(const struct guard *guard, ReceiveReq *request, char **text,
    struct error *error)
{
	size_t length;

	if (check(guard, request, error) == -1)
		return (NULL);
	*text = pbjson_print(&request->base, &length, error);
	if (*text == NULL)
		return (NULL);
	if (length <= ARGUMENT_MAX)
		return (guard_command(guard, "Receive", *text, error));
	error_set(error, EXIT_USAGE,
	    "request: it is longer than an argument may be");
	return (NULL);
}

int
guard_receive(const struct guard *guard, const char *operand, struct error *error)
{
	ReceiveReq *request = (ReceiveReq *)request_read(
	    method_by_name("Receive"), operand, error);
	char *text = NULL, **line;

	if (request == NULL)
		return (-1);
	line = command(guard, request, &text, error);
	if (line != NULL)
		chain_exec(NULL, line);
	free(text);
	pbjson_free(&request->base);
	return (-1);
}
