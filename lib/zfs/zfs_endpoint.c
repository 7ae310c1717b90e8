#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "message/request.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_destroy.h"
#include "zfs/zfs_endpoint.h"
#include "zfs/zfs_host.h"

/* Is this inside a longer name?  (A blank or a dot before it may be punctuation.) */
static bool
inside_name(const char *text, const char *at)
{
	return (at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '-' ||
	    at[-1] == '_'));
}

/* Remove each "prefix/" from the text. */
static void
hide_prefix(char *text, const char *prefix)
{
	const size_t length = strlen(prefix);
	char *found = text;

	while ((found = strstr(found, prefix)) != NULL) {
		if (found[length] == '/' && !inside_name(text, found)) {
			memmove(found, found + length + 1,
			    strlen(found + length + 1) + 1);
			/*
			 * The rest of the name may begin with the same prefix, and is the
			 * client's.
			 */
			found += strcspn(found, " '\"@");
		} else
			found += length;
	}
}

/*
 * Lines for the log alone come first, so that the peer's lines, the error and its hint,
 * stand together.  A peer that knows the filesystems by other names gets the error with
 * its names, and the hint without names: a command with a name in it could be run on its
 * own original.
 */
static void
explain(void *context, const struct error *error)
{
	const struct zfs_endpoint *endpoint = context;
	const bool names = strcmp(error->hint, error->hint_for_peer) != 0;
	const bool hidden = endpoint->prefix != NULL;
	char shown[sizeof(error->text)];

	strlcpy(shown, error->text, sizeof(shown));
	if (hidden)
		hide_prefix(shown, endpoint->prefix);
	if (strcmp(shown, error->text) != 0)
		diag(DIAG_LOG "%s", error->text);
	if (hidden && names)
		diag(DIAG_LOG DIAG_HINT "%s", error->hint);
	diag("%s", shown);
	if (names && zfs_host() == NULL)
		diag(DIAG_HINT "on the %s: %s", endpoint->side,
		    hidden ? error->hint_for_peer : error->hint);
	else if (names)
		diag(DIAG_HINT "%s", hidden ? error->hint_for_peer : error->hint);
	else if (error->hint[0] != '\0')
		diag(DIAG_HINT "%s", error->hint);
}

int
zfs_endpoint_run(const struct zfs_endpoint *endpoint, const char *name,
    const char *operand)
{
	const struct endpoint_program program = { .methods = endpoint->methods,
	    .context = (void *)(uintptr_t)endpoint, .explain = explain };

	signal(SIGPIPE, SIG_IGN);
	zfs_init();
	return (endpoint_program_run(&program, name, operand));
}

void
zfs_endpoint_host(const char *host)
{
	struct error error;

	if (zfs_host_set(host, &error) == -1)
		diag_die(&error);
}

int
zfs_endpoint_ping(void *context, const ProtobufCMessage *request,
    struct error *error)
{
	PingRes response = PING_RES__INIT;

	(void)context;
	if (zfs_reach(error) == -1)
		return (-1);
	response.echo = ((const PingReq *)request)->message;
	return (request_answer(&response.base, error));
}

int
zfs_endpoint_list_versions(void *context, const ProtobufCMessage *request,
    struct error *error)
{
	const struct zfs_endpoint *endpoint = context;

	return (zfs_versions_answer(request, endpoint->local_name, endpoint->role,
	    error));
}

int
zfs_endpoint_list_versions_of_many(void *context,
    const ProtobufCMessage *const requests[], size_t count, struct error *error)
{
	const struct zfs_endpoint *endpoint = context;

	return (zfs_versions_answer_many(requests, count, endpoint->local_name,
	    endpoint->role, error));
}

int
zfs_endpoint_destroy_snapshots(void *context, const ProtobufCMessage *request,
    struct error *error)
{
	const struct zfs_endpoint *endpoint = context;
	const DestroySnapshotsReq *destroy = (const DestroySnapshotsReq *)request;
	char local[FS_NAME_MAX + 1];

	if (endpoint->local_name(endpoint->role, destroy->filesystem, local,
	    error) == -1)
		return (-1);
	return (zfs_destroy(destroy->filesystem, local, destroy, error));
}
