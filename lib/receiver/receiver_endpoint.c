#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "format/zrepl_name.h"
#include "message/request.h"
#include "receiver/receiver.h"
#include "receiver/receiver_endpoint.h"
#include "transport/identity.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_endpoint.h"
#include "zfs/zfs_filesystems.h"

const char receiver_endpoint_usage[] =
    "zr-endpoint receiver [-nSu] [-c IDENTITY] [-e inherit | off] [-H HOST] [-j JOB]"
    " [-o PROPERTY=VALUE] [-x PROPERTY] ROOT_FS METHOD [REQUEST]";

static const struct receiver *
role_of(const void *context)
{
	return (((const struct zfs_endpoint *)context)->role);
}

/* --- listing --- */

/* A name below the client's root, without the root; NULL for any other name. */
static const char *
shown(const void *context, const char *name)
{
	const struct receiver *receiver = context;
	const size_t length = strlen(receiver->root);

	if (strncmp(name, receiver->root, length) != 0 || name[length] != '/' ||
	    receiver_is_incoming(name + length + 1))
		return (NULL);
	return (name + length + 1);
}

/* A client that has sent nothing yet has no root, but root_fs must exist. */
static int
check_root(const struct receiver *receiver, struct error *error)
{
	const char *const names[] = { receiver->root_fs, NULL };
	struct zfs_list list;
	int result;

	result = zfs_list_read(&list, names, "0", "filesystem,volume", 0, true,
	    error);
	if (result == 0 && list.count == 0) {
		/* The client must not see its name. */
		diag(DIAG_LOG "root_fs \"%s\" does not exist (zfs create makes it)",
		    receiver->root_fs);
		result = error_set(error, EXIT_FAILED, "root_fs does not exist");
	}
	zfs_list_free(&list);
	return (result);
}

/* A stream that is received beside a placeholder is resumed under its name. */
static void
pass_on_tokens(struct zfs_list *list)
{
	const size_t suffix = strlen(RECEIVER_INCOMING_SUFFIX);
	const char *name;
	size_t length;

	for (size_t i = 0; i < list->count; i++) {
		name = list->objects[i].name;
		length = strlen(name);
		if (length < suffix || strcmp(name + length - suffix,
		    RECEIVER_INCOMING_SUFFIX) != 0)
			continue;
		length -= suffix;
		for (size_t j = 0; j < list->count; j++)
			if (strncmp(list->objects[j].name, name, length) == 0 &&
			    list->objects[j].name[length] == '\0')
				list->objects[j].resume_token =
				    list->objects[i].resume_token;
	}
}

/* $ZR_LIST_FILESYSTEM: true if it names a filesystem that a client could name. */
static bool
wants_only(const struct receiver *receiver, char local[FS_NAME_MAX + 1],
    char incoming[FS_NAME_MAX + 1])
{
	const char *only = getenv("ZR_LIST_FILESYSTEM");
	struct error error;

	return (only != NULL && receiver_local_name(receiver, only, local,
	    &error) == 0 && snprintf(incoming, FS_NAME_MAX + 1, "%s%s", local,
	    RECEIVER_INCOMING_SUFFIX) <= FS_NAME_MAX);
}

static int
list_filesystems(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const struct receiver *receiver = role_of(context);
	char local[FS_NAME_MAX + 1], incoming[FS_NAME_MAX + 1];
	const bool only = wants_only(receiver, local, incoming);
	const char *const names[] = { only ? local : receiver->root,
	    only ? incoming : NULL, NULL };
	struct zfs_list list;
	int result;

	(void)message;
	result = zfs_list_read(&list, names, only ? "0" : NULL, "filesystem,volume",
	    ZFS_WANT_TOKEN | ZFS_WANT_PLACEHOLDER, true, error);
	if (result == 0 && list.count == 0 && !only)
		result = check_root(receiver, error);
	if (result == 0) {
		pass_on_tokens(&list);
		result = zfs_filesystems_answer(&list, shown, receiver, error);
	}
	zfs_list_free(&list);
	return (result);
}

static int
local_name(const void *context, const char *filesystem,
    char local[FS_NAME_MAX + 1], struct error *error)
{
	return (receiver_local_name(context, filesystem, local, error));
}

/* --- the rest --- */

static int
receive(void *context, const ProtobufCMessage *message, struct error *error)
{
	const ReceiveRes response = RECEIVE_RES__INIT;

	if (receiver_receive(role_of(context), (const ReceiveReq *)message, error) == -1)
		return (-1);
	return (request_answer(&response.base, error));
}

/* The receiver keeps nothing for this request. */
static int
send_completed(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const SendCompletedRes response = SEND_COMPLETED_RES__INIT;

	(void)context;
	(void)message;
	return (request_answer(&response.base, error));
}

static int
refuse(struct error *error, const char *text)
{
	return (error_set(error, EXIT_FAILED, "%s", text));
}

static int
send_stream(void *context, const ProtobufCMessage *message, struct error *error)
{
	(void)context;
	(void)message;
	return (refuse(error, "receiver does not implement Send()"));
}

static int
send_dry(void *context, const ProtobufCMessage *message, struct error *error)
{
	(void)context;
	(void)message;
	return (refuse(error, "receiver does not implement SendDry()"));
}

static int
replication_cursor(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	(void)context;
	(void)message;
	return (refuse(error, "ReplicationCursor not implemented for Receiver"));
}

static const struct endpoint_method receiver_methods[] = {
	{ "Ping", .handle = zfs_endpoint_ping },
	{ "ListFilesystems", .handle = list_filesystems },
	{ "ListFilesystemVersions", .handle = zfs_endpoint_list_versions,
	    .many = zfs_endpoint_list_versions_of_many },
	{ "DestroySnapshots", .handle = zfs_endpoint_destroy_snapshots },
	{ "ReplicationCursor", .handle = replication_cursor },
	{ "SendDry", .handle = send_dry },
	{ "SendCompleted", .handle = send_completed },
	{ "Send", .handle = send_stream },
	{ "Receive", .handle = receive },
	{ .name = NULL }
};

/* --- the command line --- */

static enum placeholder_encryption
encryption(const char *text)
{
	if (strcmp(text, "inherit") == 0)
		return (PLACEHOLDER_INHERIT);
	if (strcmp(text, "off") == 0)
		return (PLACEHOLDER_OFF);
	die(EXIT_USAGE, "-e %s: it is either inherit or off", text);
}

static void
add_option(struct receiver *receiver, const char *flag, const char *value)
{
	if (strchr(value, '=') == NULL ? flag[1] == 'o' : flag[1] == 'x')
		die(EXIT_USAGE, "%s %s: -o PROPERTY=VALUE sets a property, -x "
		    "PROPERTY leaves the sender's out", flag, value);
	receiver->options[receiver->option_count++] = flag;
	receiver->options[receiver->option_count++] = value;
}

/* The client's own root below root_fs, or root_fs itself. */
static void
set_root(struct receiver *receiver, const char *identity, bool own)
{
	if (!fs_name_valid_filesystem(receiver->root_fs))
		die(EXIT_USAGE, "\"%s\" is not the name of a filesystem",
		    receiver->root_fs);
	if (own && (identity == NULL || !identity_valid(identity)))
		die(EXIT_FAILED, "the client has no valid identity (%s)",
		    identity == NULL ? "ZR_CLIENT_IDENTITY is not set" : IDENTITY_RULE);
	if (snprintf(receiver->root, sizeof(receiver->root), "%s%s%s",
	    receiver->root_fs, own ? "/" : "", own ? identity : "") > FS_NAME_MAX)
		die(EXIT_FAILED, "%s/%s is too long for a filesystem's name",
		    receiver->root_fs, identity);
}

int
receiver_endpoint(int argc, char *argv[])
{
	struct receiver receiver = { .job = NULL };
	const char *identity = getenv("ZR_CLIENT_IDENTITY");
	bool own = true, given = false;
	int option, result;

	receiver.options = calloc((size_t)argc * 2, sizeof(*receiver.options));
	if (receiver.options == NULL)
		die_errno("options");
	optind = 1;
	while ((option = usage_getopt(receiver_endpoint_usage, argc, argv,
	    "+c:e:H:hj:no:Sux:")) != -1)
		switch (option) {
		case 'c':
			identity = optarg;
			given = true;
			break;
		case 'e':
			receiver.encryption = encryption(optarg);
			break;
		case 'H':
			zfs_endpoint_host(optarg);
			break;
		case 'j':
			receiver.job = optarg;
			break;
		case 'n':
			own = false;
			break;
		case 'o':
			add_option(&receiver, "-o", optarg);
			break;
		case 'S':
			receiver.not_resumable = true;
			break;
		case 'u':
			receiver.unmounted = true;
			break;
		case 'x':
			add_option(&receiver, "-x", optarg);
			break;
		}
	argc -= optind;
	argv += optind;
	if (argc < 2 || argc > 3)
		usage_die(receiver_endpoint_usage);
	if (given && !own)
		die(EXIT_USAGE, "-c has no effect beside -n");
	usage_operand("a filesystem", argv[0]);
	receiver.root_fs = argv[0];
	set_root(&receiver, identity, own);
	if (receiver.job != NULL && !zrepl_job_valid(receiver.job))
		die(EXIT_USAGE, "\"%s\" cannot be a job's name: %s", receiver.job,
		    ZREPL_JOB_RULE);
	result = zfs_endpoint_run(&(struct zfs_endpoint){ .methods =
	    receiver_methods, .side = "receiver", .prefix = receiver.root,
	    .role = &receiver, .local_name = local_name }, argv[1], argv[2]);
	free(receiver.options);
	return (result);
}
