#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/diag.h"
#include "message/request.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_endpoint.h"

/* Does a longer name lead up to here?  (Blanks and dots need not be of one.) */
static bool
inside_name(const char *text, const char *at)
{
	return (at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '-' ||
	    at[-1] == '_'));
}

/* Take "prefix/" out of the text wherever it stands. */
static void
hide_prefix(char *text, const char *prefix)
{
	const size_t length = strlen(prefix);
	char *found = text;

	while ((found = strstr(found, prefix)) != NULL) {
		if (found[length] == '/' && !inside_name(text, found)) {
			memmove(found, found + length + 1,
			    strlen(found + length + 1) + 1);
			/* The client may have the same names once more. */
			found += strcspn(found, " '\"@");
		} else
			found += length;
	}
}

/* A line for the peer and the log; where they know other names, one for each. */
static void
say(const struct zfs_endpoint *endpoint, const char *text)
{
	char shown[sizeof(((struct error *)NULL)->text)];

	strlcpy(shown, text, sizeof(shown));
	if (endpoint->prefix != NULL)
		hide_prefix(shown, endpoint->prefix);
	if (strcmp(shown, text) != 0)
		diag(DIAG_LOG "%s", text);
	diag("%s", shown);
}

/*
 * A peer that knows other names than ours must not read a command with a name in
 * it, which may well be the name of its own original: only the log has them.
 */
static void
say_advice(const struct zfs_endpoint *endpoint, const struct error *error)
{
	const char *const advice = zfs_failed_advice(error, true);
	const char *const nameless = zfs_failed_advice(error, false);

	if (advice == NULL)
		return;
	if (strcmp(advice, nameless) == 0) {
		diag(DIAG_HINT "%s", advice);
		return;
	}
	if (endpoint->prefix != NULL)
		diag(DIAG_LOG DIAG_HINT "%s", advice);
	diag(DIAG_HINT "on the %s: %s", endpoint->side,
	    endpoint->prefix != NULL ? nameless : advice);
}

static void
explain(void *context, const struct error *error)
{
	say(context, error->text);
	say_advice(context, error);
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

int
zfs_endpoint_ping(void *context, const ProtobufCMessage *request,
    struct error *error)
{
	PingRes response = PING_RES__INIT;

	(void)context;
	response.echo = ((const PingReq *)request)->message;
	return (request_answer(&response.base, error));
}
