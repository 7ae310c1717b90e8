#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive_destroy.h"
#include "archive/archive_directory.h"
#include "archive/archive_endpoint.h"
#include "archive/archive_list.h"
#include "archive/archive_part.h"
#include "archive/archive_receive.h"
#include "archive/archive_send.h"
#include "base/diag.h"
#include "base/io.h"
#include "endpoint/endpoint_program.h"
#include "format/rfc3339.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "transport/identity.h"

const char archive_endpoint_usage[] =
    "zr-endpoint archive [-C | -c IDENTITY] DIRECTORY METHOD [REQUEST]";

/* The context of every method: the directory that the client sees. */
static int
root_of(const void *context)
{
	return (*(const int *)context);
}

/* --- listing --- */

struct filesystems {
	ListFilesystemRes response;
	size_t capacity;
};

static int
append(struct filesystems *list, Filesystem *filesystem)
{
	Filesystem **grown;

	if (list->response.n_filesystems == list->capacity) {
		list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		grown = reallocarray(list->response.filesystems, list->capacity,
		    sizeof(Filesystem *));
		if (grown == NULL)
			return (-1);
		list->response.filesystems = grown;
	}
	list->response.filesystems[list->response.n_filesystems++] = filesystem;
	return (0);
}

static int
add_filesystem(void *context, const struct archive_filesystem *found)
{
	Filesystem *filesystem = malloc(sizeof(*filesystem));
	char *token = NULL;
	struct error why;

	if (filesystem == NULL || append(context, filesystem) == -1) {
		free(filesystem);
		return (-1);
	}
	filesystem__init(filesystem);
	filesystem->path = strdup(found->name);
	filesystem->isplaceholder = found->empty;
	if (found->leftovers &&
	    archive_part_token(found->directory, &token, &why) == -1)
		diag(DIAG_LOG "%s: no resume token: %s", found->name, why.text);
	if (token != NULL) {
		filesystem->resumetoken = token;
		filesystem->isplaceholder = false;
	}
	return (filesystem->path == NULL ? -1 : 0);
}

static int
list_filesystems(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	struct filesystems list = { .response = LIST_FILESYSTEM_RES__INIT };
	int result;

	(void)message;
	result = archive_walk(root_of(context),
	    getenv("ZR_LIST_FILESYSTEM"), add_filesystem, &list, error);
	if (result == 0)
		result = request_answer(&list.response.base, error);
	for (size_t i = 0; i < list.response.n_filesystems; i++) {
		Filesystem *filesystem = list.response.filesystems[i];

		free(filesystem->path);
		if (filesystem->resumetoken[0] != '\0')
			free(filesystem->resumetoken);
		free(filesystem);
	}
	free(list.response.filesystems);
	return (result);
}

/* The sound snapshots of a filesystem; the log names the others. */
static int
read_list(int root, const char *filesystem, struct archive_list *list,
    struct error *error)
{
	struct error why;
	int directory, result;

	directory = archive_open_filesystem(root, filesystem, error);
	if (directory == -1)
		return (-1);
	result = archive_list(directory, list, error);
	close(directory);
	if (result == -1)
		return (-1);
	for (size_t i = list->sound; i < list->count; i++) {
		archive_explain(&list->entries[i], &why);
		diag(DIAG_LOG "%s: not listed: %s", filesystem, why.text);
	}
	if (archive_scan_leftovers(&list->scan))
		archive_tidy(root, filesystem);
	return (0);
}

static int
list_versions(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const ListFilesystemVersionsReq *request =
	    (const ListFilesystemVersionsReq *)message;
	ListFilesystemVersionsRes response = LIST_FILESYSTEM_VERSIONS_RES__INIT;
	char (*creations)[RFC3339_SIZE] = NULL;
	FilesystemVersion *versions = NULL, **pointers = NULL;
	const char *order = getenv("ZR_LIST_ORDER");
	struct archive_list list;
	int result = -1;

	if (read_list(root_of(context), request->filesystem, &list, error) == -1)
		return (-1);
	if (order != NULL && strcmp(order, "arrival") == 0 &&
	    archive_list_number_by_arrival(&list, error) == -1)
		goto out;
	versions = calloc(list.sound + 1, sizeof(*versions));
	pointers = calloc(list.sound + 1, sizeof(*pointers));
	creations = calloc(list.sound + 1, sizeof(*creations));
	if (versions == NULL || pointers == NULL || creations == NULL) {
		error_errno(error, "versions");
		goto out;
	}
	for (size_t i = 0; i < list.sound; i++) {
		struct archive_snapshot *snapshot = &list.entries[i].snapshot;

		filesystem_version__init(&versions[i]);
		rfc3339_format(creations[i], snapshot->creation);
		versions[i].name = snapshot->name;
		versions[i].guid = snapshot->guid;
		versions[i].createtxg = snapshot->createtxg;
		versions[i].creation = creations[i];
		pointers[i] = &versions[i];
	}
	response.versions = pointers;
	response.n_versions = list.sound;
	result = request_answer(&response.base, error);
out:
	free(versions);
	free(pointers);
	free(creations);
	archive_list_free(&list);
	return (result);
}

/* A process for each would take longer than its answer. */
static int
list_versions_of_many(void *context, const ProtobufCMessage *const messages[],
    size_t count, struct error *error)
{
	struct error why;

	for (size_t i = 0; i < count; i++)
		if (list_versions(context, messages[i], &why) == -1 &&
		    endpoint_program_leave(error) == -1)
			return (-1);
	return (0);
}

/* --- sending --- */

static int
send_dry(void *context, const ProtobufCMessage *message, struct error *error)
{
	SendRes response = SEND_RES__INIT;
	int stream;

	stream = archive_send_open(root_of(context), (const SendReq *)message,
	    &response.expectedsize, error);
	if (stream == -1)
		return (-1);
	close(stream);
	return (request_answer(&response.base, error));
}

static int
send_stream(void *context, const ProtobufCMessage *message, struct error *error)
{
	SendRes response = SEND_RES__INIT;
	int stream, result;

	stream = archive_send_open(root_of(context), (const SendReq *)message,
	    &response.expectedsize, error);
	if (stream == -1)
		return (-1);
	result = request_answer(&response.base, error);
	if (result == 0)
		result = archive_send_copy(stream, response.expectedsize, error);
	close(stream);
	return (result);
}

/* --- changing --- */

static int
receive_stream(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const ReceiveRes response = RECEIVE_RES__INIT;
	struct verdict verdict;
	struct progress progress;
	int result;

	if (progress_open(&progress, io_now(), error) == -1 ||
	    verdict_open(&verdict, error) == -1)
		return (-1);
	result = archive_receive(root_of(context), (const ReceiveReq *)message,
	    STDIN_FILENO, &verdict, &progress, error);
	verdict_free(&verdict);
	return (result == -1 ? -1 : request_answer(&response.base, error));
}

static int
destroy_snapshots(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	return (archive_destroy(root_of(context),
	    (const DestroySnapshotsReq *)message, error));
}

/* --- the rest --- */

static int
ping(void *context, const ProtobufCMessage *message, struct buffer *answer,
    struct error *error)
{
	PingRes response = PING_RES__INIT;

	(void)context;
	response.echo = ((const PingReq *)message)->message;
	return (pbjson_append(answer, &response.base, error));
}

/* An archive keeps no cursor: its snapshots go only when they are told to. */
static int
replication_cursor(void *context, const ProtobufCMessage *message,
    struct buffer *answer, struct error *error)
{
	ReplicationCursorRes response = REPLICATION_CURSOR_RES__INIT;

	(void)context;
	(void)message;
	response.result_case = REPLICATION_CURSOR_RES__RESULT_NOTEXIST;
	response.notexist = 1;
	return (pbjson_append(answer, &response.base, error));
}

static int
send_completed(void *context, const ProtobufCMessage *message, struct buffer *answer,
    struct error *error)
{
	const SendCompletedRes response = SEND_COMPLETED_RES__INIT;

	(void)context;
	(void)message;
	return (pbjson_append(answer, &response.base, error));
}

static const struct endpoint_method archive_methods[] = {
	{ "Ping", .at_once = ping },
	{ "ListFilesystems", .handle = list_filesystems },
	{ "ListFilesystemVersions", .handle = list_versions,
	    .many = list_versions_of_many },
	{ "DestroySnapshots", .handle = destroy_snapshots },
	{ "ReplicationCursor", .at_once = replication_cursor },
	{ "SendDry", .handle = send_dry },
	{ "SendCompleted", .at_once = send_completed },
	{ "Send", .handle = send_stream },
	{ "Receive", .handle = receive_stream },
	{ .name = NULL }
};

/*
 * The directory, or a client's own below it.  Only the log says where the archive lies,
 * not the client's error.
 */
static int
open_root(const char *path, const char *identity, struct error *error)
{
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), own, why;

	if (root == -1) {
		diag_errno(DIAG_LOG "%s", path);
		return (error_set(error, EXIT_SYSTEM,
		    "the archive's directory cannot be opened"));
	}
	if (identity == NULL)
		return (root);
	own = archive_enter(root, identity, true);
	why = errno;
	if (own == -1) {
		diag_errno(DIAG_LOG "%s/%s", path, identity);
		error_set(error, EXIT_SYSTEM, why == ENOTUNIQ ?
		    "the archive's directory ignores case and has another client "
		    "under the name \"%s\"" :
		    "the directory of the client \"%s\" cannot be opened", identity);
	}
	close(root);
	return (own);
}

int
archive_endpoint(int argc, char *argv[])
{
	const char *identity = NULL;
	int option, result, root = -1;
	bool own = false;
	const struct endpoint_program program = {
		.methods = archive_methods, .context = &root };
	struct error error;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* an error like that of a full disk */
	umask(077);
	optind = 1;
	while ((option = usage_getopt(archive_endpoint_usage, argc, argv, "+Cc:h")) != -1)
		switch (option) {
		case 'C':
			if (own)
				usage_die(archive_endpoint_usage);
			own = true;
			identity = getenv("ZR_CLIENT_IDENTITY");
			break;
		case 'c':
			if (own)
				usage_die(archive_endpoint_usage);
			own = true;
			identity = optarg;
			break;
		}
	argc -= optind;
	argv += optind;
	if (argc == 1)
		die(EXIT_USAGE, "a METHOD is missing after %s, such as ListFilesystems",
		    argv[0]);
	if (argc < 2 || argc > 3)
		usage_die(archive_endpoint_usage);
	if (own && (identity == NULL || !identity_valid(identity)))
		die(EXIT_FAILED, "the client has no valid identity (%s)",
		    identity != NULL ? IDENTITY_RULE :
		    "ZR_CLIENT_IDENTITY is not set; -c IDENTITY gives one");
	/* Whether there is such a method does not depend on the directory. */
	if (strcmp(argv[1], "batch") == 0 ||
	    endpoint_program_find(&program, argv[1]) != NULL) {
		root = open_root(argv[0], identity, &error);
		if (root == -1)
			diag_die(&error);
	}
	result = endpoint_program_run(&program, argv[1], argv[2]);
	io_close(&root);
	return (result);
}
