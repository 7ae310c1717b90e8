#include <inttypes.h>
#include <stdlib.h>

#include "endpoint/endpoint_program.h"
#include "format/rfc3339.h"
#include "message/request.h"
#include "zfs/zfs_versions.h"

const struct zfs_object *
zfs_version_find(const struct zfs_list *list, const char *shown,
    const FilesystemVersion *wanted, struct error *error)
{
	const bool bookmark =
	    wanted->type == FILESYSTEM_VERSION__VERSION_TYPE__Bookmark;
	const struct zfs_object *found = zfs_list_find(list,
	    bookmark ? ZFS_BOOKMARK : ZFS_SNAPSHOT, wanted->name);

	if (found == NULL)
		error_set(error, EXIT_FAILED, "%s \"%s%c%s\" does not exist",
		    bookmark ? "bookmark" : "snapshot", shown,
		    bookmark ? '#' : '@', wanted->name);
	else if (found->guid != wanted->guid) {
		error_set(error, EXIT_FAILED, "%s \"%s%c%s\" has guid %" PRIu64
		    ", not %" PRIu64 ": the name is another one's now",
		    bookmark ? "bookmark" : "snapshot", shown,
		    bookmark ? '#' : '@', wanted->name, found->guid, wanted->guid);
		found = NULL;
	}
	return (found);
}

/* --- answers to ListFilesystemVersions --- */

/* The answer for a filesystem: the versions that follow it in its part of a list. */
static int
answer(const struct zfs_part *part, struct error *error)
{
	ListFilesystemVersionsRes response = LIST_FILESYSTEM_VERSIONS_RES__INIT;
	FilesystemVersion *versions, **pointers;
	char (*creations)[RFC3339_SIZE];
	const struct zfs_object *object;
	size_t count = 0;
	int result = -1;

	versions = calloc(part->count, sizeof(*versions));
	pointers = calloc(part->count, sizeof(*pointers));
	creations = calloc(part->count, sizeof(*creations));
	if (versions == NULL || pointers == NULL || creations == NULL) {
		error_errno(error, "versions");
		goto out;
	}
	for (size_t k = 1; k < part->count; k++, count++) {
		object = &part->objects[k];
		filesystem_version__init(&versions[count]);
		rfc3339_format(creations[count], object->creation);
		versions[count].type = object->type == ZFS_BOOKMARK ?
		    FILESYSTEM_VERSION__VERSION_TYPE__Bookmark :
		    FILESYSTEM_VERSION__VERSION_TYPE__Snapshot;
		versions[count].name = (char *)(uintptr_t)object->version;
		versions[count].guid = object->guid;
		versions[count].createtxg = object->createtxg;
		versions[count].creation = creations[count];
		pointers[count] = &versions[count];
	}
	response.versions = pointers;
	response.n_versions = count;
	result = request_answer(&response.base, error);
out:
	free(versions);
	free(pointers);
	free(creations);
	return (result);
}

static const char *
filesystem_of(const ProtobufCMessage *message)
{
	return (((const ListFilesystemVersionsReq *)message)->filesystem);
}

int
zfs_versions_answer(const ProtobufCMessage *message, zfs_local_name *local_name,
    const void *context, struct error *error)
{
	char local[FS_NAME_MAX + 1];
	struct zfs_list list;
	int result;

	if (local_name(context, filesystem_of(message), local, error) == -1)
		return (-1);
	result = zfs_filesystem_read(&list, local, 0, false, error);
	if (result == 0)
		result = answer(&(struct zfs_part){ list.objects, list.count },
		    error);
	zfs_list_free(&list);
	return (result);
}

/* Arrays for the requests of zfs_versions_answer_many(). */
struct many {
	char (*locals)[FS_NAME_MAX + 1];
	const char **names;		/* the valid ones of locals; ends with NULL */
	struct zfs_part *parts;		/* one for each of names */
	bool *asked;			/* is it among the names? */
};

static int
answer_parts(const struct many *many, size_t count, struct error *error)
{
	const struct zfs_part *part = many->parts;

	for (size_t i = 0; i < count; i++) {
		const bool known = many->asked[i] && part->count > 0;

		if ((known ? answer(part, error) :
		    endpoint_program_leave(error)) == -1)
			return (-1);
		part += many->asked[i];
	}
	return (0);
}

static int
ask(const struct many *many, const ProtobufCMessage *const messages[],
    size_t count, zfs_local_name *local_name, const void *context,
    struct error *error)
{
	struct zfs_list list = { .text = BUFFER_EMPTY(0) };
	struct error why;
	size_t names = 0;
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		many->asked[i] = local_name(context, filesystem_of(messages[i]),
		    many->locals[i], &why) == 0;
		if (many->asked[i])
			many->names[names++] = many->locals[i];
	}
	if (names > 0)
		result = zfs_filesystems_read(&list, many->names, 0, many->parts,
		    error);
	if (result == 0)
		result = answer_parts(many, count, error);
	zfs_list_free(&list);
	return (result);
}

int
zfs_versions_answer_many(const ProtobufCMessage *const messages[], size_t count,
    zfs_local_name *local_name, const void *context, struct error *error)
{
	const struct many many = {
		.locals = calloc(count, sizeof(*many.locals)),
		.names = calloc(count + 1, sizeof(*many.names)),
		.parts = calloc(count, sizeof(*many.parts)),
		.asked = calloc(count, sizeof(*many.asked))
	};
	int result;

	if (many.locals == NULL || many.names == NULL || many.parts == NULL ||
	    many.asked == NULL)
		result = error_errno(error, "versions");
	else
		result = ask(&many, messages, count, local_name, context, error);
	free(many.locals);
	free(many.names);
	free(many.parts);
	free(many.asked);
	return (result);
}
