#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/archive_destroy.h"
#include "archive/archive_endpoint.h"
#include "archive/archive_receive.h"
#include "base/diag.h"
#include "base/io.h"
#include "endpoint/endpoint_program.h"
#include "message/request.h"
#include "message/rfc3339.h"
#include "transport/identity.h"

#define COPY_CHUNK (256u << 10)

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
add_filesystem(void *context, const char *name, bool empty)
{
	struct filesystems *list = context;
	Filesystem **grown, *filesystem = malloc(sizeof(*filesystem));

	if (filesystem == NULL)
		return (-1);
	filesystem__init(filesystem);
	filesystem->path = strdup(name);
	filesystem->isplaceholder = empty;
	if (list->response.n_filesystems == list->capacity) {
		list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		grown = reallocarray(list->response.filesystems, list->capacity,
		    sizeof(Filesystem *));
		if (grown == NULL)
			return (-1);
		list->response.filesystems = grown;
	}
	list->response.filesystems[list->response.n_filesystems++] = filesystem;
	return (filesystem->path == NULL ? -1 : 0);
}

static int
list_filesystems(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	struct filesystems list = { .response = LIST_FILESYSTEM_RES__INIT };
	int result;

	(void)message;
	result = archive_walk(root_of(context), add_filesystem, &list, error);
	if (result == 0)
		result = request_answer(&list.response.base, error);
	for (size_t i = 0; i < list.response.n_filesystems; i++) {
		free(list.response.filesystems[i]->path);
		free(list.response.filesystems[i]);
	}
	free(list.response.filesystems);
	return (result);
}

/* The snapshots of a filesystem that must exist. */
static int
open_list(int root, const char *filesystem,
    int *directory, struct archive_list *list, struct error *error)
{
	*directory = archive_open_filesystem(root, filesystem, false,
	    error);
	if (*directory == -1)
		return (-1);
	if (archive_list(*directory, list, error) == 0)
		return (0);
	io_close(directory);
	return (-1);
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
	struct archive_list list;
	int directory, result = -1;

	if (open_list(root_of(context), request->filesystem, &directory, &list,
	    error) == -1)
		return (-1);
	versions = calloc(list.count + 1, sizeof(*versions));
	pointers = calloc(list.count + 1, sizeof(*pointers));
	creations = calloc(list.count + 1, sizeof(*creations));
	if (versions == NULL || pointers == NULL || creations == NULL) {
		error_errno(error, "versions");
		goto out;
	}
	for (size_t i = 0; i < list.count; i++) {
		filesystem_version__init(&versions[i]);
		rfc3339_format(creations[i], list.snapshots[i].creation);
		versions[i].name = list.snapshots[i].name;
		versions[i].guid = list.snapshots[i].guid;
		versions[i].createtxg = list.snapshots[i].createtxg;
		versions[i].creation = creations[i];
		pointers[i] = &versions[i];
	}
	response.versions = pointers;
	response.n_versions = list.count;
	result = request_answer(&response.base, error);
out:
	free(versions);
	free(pointers);
	free(creations);
	archive_list_free(&list);
	close(directory);
	return (result);
}

/* --- sending --- */

/*
 * The snapshot that a SendReq asks for, its stream open: exactly the
 * increment, or the full stream, that is stored.
 */
static int
open_stream(int root, const SendReq *request, int *stream,
    SendRes *response, struct error *error)
{
	const struct archive_snapshot *to;
	struct archive_list list;
	struct stat status;
	char name[ARCHIVE_FILE_MAX];
	int directory, result = -1;

	*stream = -1;
	if (request->resumetoken[0] != '\0')
		return (error_set(error, EXIT_FAILED,
		    "an archive cannot resume a stream: it receives whole ones"));
	if (open_list(root, request->filesystem, &directory, &list, error) == -1)
		return (-1);
	to = archive_find_version(&list, request->filesystem, request->to,
	    error);
	if (to == NULL)
		goto out;
	if (request->from == NULL && to->from_guid != 0) {
		error_set(error, EXIT_FAILED, "%s@%s is kept as an "
		    "increment of the snapshot with guid %" PRIu64 ": send that "
		    "one first", request->filesystem, to->name, to->from_guid);
		goto out;
	}
	if (request->from != NULL && request->from->guid != to->from_guid) {
		error_set(error, EXIT_FAILED, "%s@%s is kept %s, not as "
		    "an increment of %s", request->filesystem, to->name,
		    to->from_guid == 0 ? "in full" : "as another increment",
		    request->from->name);
		goto out;
	}
	archive_file_name(name, to->guid, ARCHIVE_STREAM_SUFFIX);
	*stream = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (*stream == -1 || fstat(*stream, &status) == -1)
		error_errno(error, "archive: %s", name);
	else if ((uint64_t)status.st_size != to->size)
		error_set(error, EXIT_FAILED, "archive: %s is damaged: "
		    "%lld bytes, not %" PRIu64, name, (long long)status.st_size,
		    to->size);
	else
		result = 0;
	response->expectedsize = to->size;
	if (result == -1)
		io_close(stream);
out:
	archive_list_free(&list);
	close(directory);
	return (result);
}

static int
send_dry(void *context, const ProtobufCMessage *message, struct error *error)
{
	SendRes response = SEND_RES__INIT;
	int stream;

	if (open_stream(root_of(context), (const SendReq *)message, &stream,
	    &response, error) == -1)
		return (-1);
	close(stream);
	return (request_answer(&response.base, error));
}

/* The file to standard output, by the kernel alone where that is possible. */
static int
copy_out(int stream, uint64_t size, struct error *error)
{
	static char buffer[COPY_CHUNK];
	uint64_t done = 0;
	ssize_t moved;

	while (done < size) {
		moved = sendfile(STDOUT_FILENO, stream, NULL,
		    size - done < (1u << 30) ? (size_t)(size - done) : 1u << 30);
		if (moved == -1 && (errno == EINVAL || errno == ENOSYS) && done == 0)
			break;
		if (moved == -1 && errno == EINTR)
			continue;
		if (moved == -1 && errno == EAGAIN && io_wait(STDOUT_FILENO,
		    POLLOUT, IO_FOREVER, error) == 0)
			continue;
		if (moved == -1)
			return (error_errno(error, "cannot write the stream"));
		if (moved == 0)
			return (error_set(error, EXIT_FAILED,
			    "archive: the stream is shorter than it was"));
		done += (uint64_t)moved;
	}
	while (done < size) {
		moved = io_read(stream, buffer, sizeof(buffer));
		if (moved == -1)
			return (error_errno(error, "cannot read the stream"));
		if (moved == 0)
			return (error_set(error, EXIT_FAILED,
			    "archive: the stream is shorter than it was"));
		if (io_write_all(STDOUT_FILENO, buffer, (size_t)moved, IO_FOREVER,
		    error) == -1)
			return (error_prefix(error, "cannot write the stream"));
		done += (uint64_t)moved;
	}
	return (0);
}

static int
send_stream(void *context, const ProtobufCMessage *message, struct error *error)
{
	SendRes response = SEND_RES__INIT;
	int stream, result;

	if (open_stream(root_of(context), (const SendReq *)message, &stream,
	    &response, error) == -1)
		return (-1);
	result = request_answer(&response.base, error);
	if (result == 0)
		result = copy_out(stream, response.expectedsize, error);
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
ping(void *context, const ProtobufCMessage *message, struct error *error)
{
	PingRes response = PING_RES__INIT;

	(void)context;
	response.echo = ((const PingReq *)message)->message;
	return (request_answer(&response.base, error));
}

/* An archive keeps no cursor: its snapshots go only when they are told to. */
static int
replication_cursor(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	ReplicationCursorRes response = REPLICATION_CURSOR_RES__INIT;

	(void)context;
	(void)message;
	response.result_case = REPLICATION_CURSOR_RES__RESULT_NOTEXIST;
	response.notexist = 1;
	return (request_answer(&response.base, error));
}

static int
send_completed(void *context, const ProtobufCMessage *message,
    struct error *error)
{
	const SendCompletedRes response = SEND_COMPLETED_RES__INIT;

	(void)context;
	(void)message;
	return (request_answer(&response.base, error));
}

static const struct endpoint_method archive_methods[] = {
	{ "Ping", ping },
	{ "ListFilesystems", list_filesystems },
	{ "ListFilesystemVersions", list_versions },
	{ "DestroySnapshots", destroy_snapshots },
	{ "ReplicationCursor", replication_cursor },
	{ "SendDry", send_dry },
	{ "SendCompleted", send_completed },
	{ "Send", send_stream },
	{ "Receive", receive_stream },
	{ NULL, NULL }
};

/* The directory, or a client's own below it. */
static int
open_root(const char *path, const char *identity, struct error *error)
{
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), own;

	if (root == -1)
		return (error_errno(error, "%s", path));
	if (identity == NULL)
		return (root);
	if (mkdirat(root, identity, 0777) == 0)
		fsync(root);
	own = openat(root, identity, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own == -1)
		error_errno(error, "%s/%s", path, identity);
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
	optind = 1;
	while ((option = getopt(argc, argv, "+Cc:h")) != -1)
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
		case 'h':
			usage_help(archive_endpoint_usage);
		default:
			usage_die(archive_endpoint_usage);
		}
	argc -= optind;
	argv += optind;
	if (argc < 2 || argc > 3)
		usage_die(archive_endpoint_usage);
	if (own && (identity == NULL || !identity_valid(identity)))
		die(EXIT_FAILED, "the client has no valid identity (%s)",
		    identity == NULL ? "ZR_CLIENT_IDENTITY is not set" : IDENTITY_RULE);
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
