#include <string.h>

#include "message/method.h"
#include "zrepl.pb-c.h"

const struct method methods[] = {
	{ "Ping", METHOD_PING, "/v1/ping",
	    &ping_req__descriptor, &ping_res__descriptor },
	{ "Send", METHOD_SEND, "/v1/send",
	    &send_req__descriptor, &send_res__descriptor },
	{ "Receive", METHOD_RECEIVE, "/v1/recv",
	    &receive_req__descriptor, &receive_res__descriptor },
	{ "ListFilesystems", METHOD_UNARY, NULL,
	    &list_filesystem_req__descriptor, &list_filesystem_res__descriptor },
	{ "ListFilesystemVersions", METHOD_UNARY, NULL,
	    &list_filesystem_versions_req__descriptor,
	    &list_filesystem_versions_res__descriptor },
	{ "DestroySnapshots", METHOD_UNARY, NULL,
	    &destroy_snapshots_req__descriptor,
	    &destroy_snapshots_res__descriptor },
	{ "ReplicationCursor", METHOD_UNARY, NULL,
	    &replication_cursor_req__descriptor,
	    &replication_cursor_res__descriptor },
	{ "SendDry", METHOD_UNARY, NULL,
	    &send_req__descriptor, &send_res__descriptor },
	{ "SendCompleted", METHOD_UNARY, NULL,
	    &send_completed_req__descriptor, &send_completed_res__descriptor },
	{ NULL, METHOD_UNARY, NULL, NULL, NULL }
};

const struct method *
method_by_name(const char *name)
{
	for (const struct method *m = methods; m->name != NULL; m++)
		if (strcmp(m->name, name) == 0)
			return (m);
	return (NULL);
}

const struct method *
method_by_path(const char *path, size_t length)
{
	for (const struct method *m = methods; m->name != NULL; m++)
		if (m->path != NULL && strlen(m->path) == length &&
		    memcmp(m->path, path, length) == 0)
			return (m);
	return (NULL);
}

const char *
method_names(unsigned int kinds, char text[METHOD_NAMES_SIZE])
{
	text[0] = '\0';
	for (const struct method *method = methods; method->name != NULL; method++) {
		if ((kinds & 1u << method->kind) == 0)
			continue;
		if (text[0] != '\0')
			strlcat(text, ", ", METHOD_NAMES_SIZE);
		strlcat(text, method->name, METHOD_NAMES_SIZE);
	}
	return (text);
}
