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
say(const struct zfs_endpoint *endpoint, const char *what, const char *text)
{
	char shown[sizeof(((struct error *)NULL)->text)];

	strlcpy(shown, text, sizeof(shown));
	if (endpoint->prefix != NULL)
		hide_prefix(shown, endpoint->prefix);
	if (strcmp(shown, text) != 0)
		diag(DIAG_LOG "%s%s", what, text);
	diag("%s%s", what, shown);
}

static void
explain(void *context, const struct error *error)
{
	const char *const advice = zfs_failed_advice(error);

	say(context, "", error->text);
	if (advice != NULL)
		say(context, DIAG_HINT, advice);
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
