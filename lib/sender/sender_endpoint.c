#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "format/zrepl_name.h"
#include "message/request.h"
#include "sender/sender.h"
#include "sender/sender_endpoint.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_endpoint.h"
#include "zfs/zfs_filesystems.h"

const char sender_endpoint_usage[] =
    "zr-endpoint sender [-bceELpSw] [-F FILE] [-f ENTRY] [-H HOST] [-j JOB] METHOD [REQUEST]";

static const struct sender *
role_of(const void *context)
{
	return (((const struct zfs_endpoint *)context)->role);
}

/* --- listing --- */

static const char *
shown(const void *context, const char *name)
{
	const struct sender *sender = context;

	return (fs_filter_allows(&sender->filter, name) ? name : NULL);
}

static bool
matches_one(const struct fs_filter_entry *entry, const struct zfs_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (fs_filter_entry_matches(entry, list->objects[i].name))
			return (true);
	return (false);
}

/*
 * A mistyped entry means backups that are never made: report it, once in a batch and not
 * in each call.
 */
static void
name_unmatched(const struct sender *sender, const struct zfs_list *list)
{
	const struct fs_filter_entry *entry;

	for (size_t i = 0; i < sender->filter.count; i++) {
		entry = &sender->filter.entries[i];
		if (entry->allow && !matches_one(entry, list) &&
		    !atomic_exchange(&sender->named[i], true))
			diag("filter entry \"%s%s\" matches no filesystem",
			    entry->path, entry->subtree ? "<" : "");
	}
}

static int
list_filesystems(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	struct zfs_list list;
	int result;

	(void)message;
	result = zfs_list_read(&list, NULL, NULL, "filesystem,volume",
	    ZFS_WANT_PLACEHOLDER, false, error);
	if (result == 0)
		result = zfs_filesystems_answer(&list, shown, role_of(context),
		    error);
	if (result == 0) {
		name_unmatched(role_of(context), &list);
		sender_warn(role_of(context));
	}
	zfs_list_free(&list);
	return (result);
}

/* The client uses zfs's names, but may use only some of them. */
static int
local_name(const void *context, const char *filesystem,
    char local[FS_NAME_MAX + 1], struct error *error)
{
	if (sender_check_filesystem(context, filesystem, error) == -1)
		return (-1);
	strlcpy(local, filesystem, FS_NAME_MAX + 1);
	return (0);
}

/* This job's cursor with the highest createtxg. */
static int
replication_cursor(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const ReplicationCursorReq *request = (const ReplicationCursorReq *)message;
	ReplicationCursorRes response = REPLICATION_CURSOR_RES__INIT;
	const struct sender *sender = role_of(context);
	struct zfs_list list;
	int result;

	if (sender_check_filesystem(sender, request->filesystem, error) == -1 ||
	    sender_check_job(sender, error) == -1)
		return (-1);
	response.result_case = REPLICATION_CURSOR_RES__RESULT_NOTEXIST;
	response.notexist = 1;
	result = zfs_filesystem_read(&list, request->filesystem, 0, false, error);
	for (size_t i = 0; result == 0 && i < list.count; i++)
		if (sender_is_cursor(&list.objects[i], sender->job,
		    ZREPL_CURSOR)) {
			response.result_case = REPLICATION_CURSOR_RES__RESULT_GUID;
			response.guid = list.objects[i].guid;
		}
	if (result == 0)
		result = request_answer(&response.base, error);
	zfs_list_free(&list);
	return (result);
}

/* --- sending --- */

static int
send_step(void *context, const ProtobufCMessage *message, bool dry,
    struct error *error)
{
	const SendReq *request = (const SendReq *)message;
	const struct sender *sender = role_of(context);
	SendRes response = SEND_RES__INIT;
	struct sender_step step;
	int result;

	response.usedresumetoken = request->resumetoken[0] != '\0';
	result = sender_step_begin(&step, sender, request, error);
	if (result == 0)
		result = dry ? sender_step_size(&step, sender, &response.expectedsize,
		    error) : sender_step_prepare(&step, sender, error);
	if (result == 0)
		result = request_answer(&response.base, error);
	if (result == 0 && !dry)
		result = sender_step_send(&step, sender, error);
	sender_step_free(&step);
	return (result);
}

static int
send_dry(void *context, const ProtobufCMessage *message, struct error *error)
{
	return (send_step(context, message, true, error));
}

static int
send_stream(void *context, const ProtobufCMessage *message, struct error *error)
{
	return (send_step(context, message, false, error));
}

static int
send_completed(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const SendCompletedReq *request = (const SendCompletedReq *)message;
	const SendCompletedRes response = SEND_COMPLETED_RES__INIT;
	const struct sender *sender = role_of(context);
	struct sender_step step;
	int result;

	result = sender_step_open(&step, sender, request->originalreq, error);
	if (result == 0)
		result = sender_step_complete(&step, sender, error);
	if (result == 0)
		result = request_answer(&response.base, error);
	sender_step_free(&step);
	return (result);
}

static int
receive(void *context, const ProtobufCMessage *message, struct error *error)
{
	(void)context;
	(void)message;
	return (error_set(error, EXIT_FAILED, "sender does not implement Receive()"));
}

static const struct endpoint_method sender_methods[] = {
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

/* Flags of zfs send go on as they are. */
static const char *
send_flag(int option)
{
	static const char flags[][3] = { "-b", "-c", "-e", "-L", "-p", "-S" };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i][1] == option)
			return (flags[i]);
	return (NULL);
}

static void
add_flag(struct sender *sender, const char *flag)
{
	for (size_t i = 0; i < sender->flag_count; i++)
		if (sender->flags[i] == flag)
			return;
	sender->flags[sender->flag_count++] = flag;
}

/* A batch has a process for each call: they share this by shared memory. */
static int
share_named(struct sender *sender, struct error *error)
{
	void *memory = mmap(NULL, sender->filter.count * sizeof(*sender->named),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return (error_errno(error, "filter"));
	sender->named = memory;		/* all false; until we exit */
	return (0);
}

int
sender_endpoint(int argc, char *argv[])
{
	struct sender sender = { .job = NULL };
	struct error error;
	int option, result = 0;

	optind = 1;
	while (result == 0 &&
	    (option = usage_getopt(sender_endpoint_usage, argc, argv,
	    "+bceELF:f:H:hj:pSw")) != -1)
		switch (option) {
		case 'E':
			sender.encrypted = true;
			break;
		case 'F':
			result = fs_filter_read(&sender.filter, optarg, &error);
			break;
		case 'f':
			result = fs_filter_add(&sender.filter, optarg, &error);
			break;
		case 'H':
			zfs_endpoint_host(optarg);
			break;
		case 'j':
			sender.job = optarg;
			break;
		case 'w':
			sender.raw = true;
			break;
		default:
			add_flag(&sender, send_flag(option));
			break;
		}
	if (result == -1)
		diag_die(&error);
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2)
		usage_die(sender_endpoint_usage);
	if (!fs_filter_can_allow(&sender.filter))
		die(EXIT_USAGE, "which filesystems may be sent? -f 'tank/data<' "
		    "for a tree, -f '<' for all");
	if (sender.job != NULL && !zrepl_job_valid(sender.job))
		die(EXIT_USAGE, "\"%s\" cannot be a job's name: %s", sender.job,
		    ZREPL_JOB_RULE);
	if (share_named(&sender, &error) == -1)
		diag_die(&error);
	result = zfs_endpoint_run(&(struct zfs_endpoint){ .methods =
	    sender_methods, .side = "sender", .role = &sender,
	    .local_name = local_name }, argv[0], argv[1]);
	fs_filter_free(&sender.filter);
	return (result);
}
