#include <signal.h>
#include <string.h>

#include "diag.h"
#include "request.h"
#include "zfs_advice.h"
#include "zfs_command.h"
#include "zfs_endpoint.h"

/* Take "prefix/" out of the text wherever it stands. */
static void
hide_prefix(char *text, const char *prefix)
{
	const size_t length = strlen(prefix);
	char *found = text;

	while ((found = strstr(found, prefix)) != NULL) {
		if (found[length] == '/')
			memmove(found, found + length + 1,
			    strlen(found + length + 1) + 1);
		else
			found += length;
	}
}

int
zfs_endpoint_run(const struct endpoint_method methods_here[], void *context,
    const char *name, const char *operand, const char *prefix)
{
	char hint[ZFS_ADVICE_SIZE] = "";
	const char *advice;
	struct error error;

	signal(SIGPIPE, SIG_IGN);
	zfs_init();
	if (endpoint_method_run(methods_here, context, name, operand, &error) == 0)
		return (EXIT_DONE);
	advice = zfs_failed_advice(&error);
	if (advice != NULL)
		strlcpy(hint, advice, sizeof(hint));
	if (prefix != NULL) {
		hide_prefix(error.text, prefix);
		hide_prefix(hint, prefix);
	}
	diag("%s", error.text);
	if (hint[0] != '\0')
		diag(DIAG_HINT "%s", hint);
	return (error.code);
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
