#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "format/rfc3339.h"
#include "message/protobuf_field.h"
#include "message/request_check.h"
#include "zrepl.pb-c.h"

static int
check_version(const FilesystemVersion *version, struct error *error)
{
	if (version->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot &&
	    version->type != FILESYSTEM_VERSION__VERSION_TYPE__Bookmark)
		return (error_set(error, EXIT_FAILED,
		    "Type is neither Snapshot nor Bookmark: %d", version->type));
	if (version->name[0] == '\0' || strlen(version->name) > 255 ||
	    strpbrk(version->name, "@#/%,") != NULL)
		return (error_set(error, EXIT_FAILED,
		    "Name is not the name of a snapshot or bookmark: \"%s\"",
		    version->name));
	if (!rfc3339_parse(version->creation, NULL))
		return (error_set(error, EXIT_FAILED,
		    "Creation is not a time in RFC 3339: \"%s\"",
		    version->creation));
	return (0);
}

static int
check_filesystem(const char *path, struct error *error)
{
	size_t length;

	for (;; path += length + 1) {
		length = strcspn(path, "/");
		if (length == 2 && memcmp(path, "..", 2) == 0)
			return (error_set(error, EXIT_FAILED,
			    "Filesystem has a component \"..\""));
		if (path[length] == '\0')
			return (0);
	}
}

static int
check_config(const ReplicationConfig *config, struct error *error)
{
	if (config == NULL || config->protection == NULL)
		return (error_set(error, EXIT_FAILED,
		    "ReplicationConfig.protection is missing"));
	return (0);
}

static int
missing(struct error *error, const char *field)
{
	return (error_set(error, EXIT_FAILED, "%s is missing", field));
}

/* The rules for this message itself, without its fields. */
static int
check_here(const ProtobufCMessage *message, struct error *error)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;

	if (descriptor == &filesystem_version__descriptor)
		return (check_version((const FilesystemVersion *)message, error));
	if (descriptor == &send_req__descriptor) {
		const SendReq *request = (const SendReq *)message;

		if (request->to == NULL)
			return (missing(error, "To"));
		if (check_config(request->replicationconfig, error) == -1)
			return (-1);
		return (check_filesystem(request->filesystem, error));
	}
	if (descriptor == &receive_req__descriptor) {
		const ReceiveReq *request = (const ReceiveReq *)message;

		if (request->to == NULL)
			return (missing(error, "To"));
		if (check_config(request->replicationconfig, error) == -1)
			return (-1);
		return (check_filesystem(request->filesystem, error));
	}
	if (descriptor == &send_completed_req__descriptor &&
	    ((const SendCompletedReq *)message)->originalreq == NULL)
		return (missing(error, "OriginalReq"));
	return (0);
}

/* Its message fields, one level down; the depth is that of our own types. */
static int
check_below(const ProtobufCMessage *message, struct error *error)
{
	const ProtobufCFieldDescriptor *field;
	void *member;
	ProtobufCMessage *const *items, *one;
	size_t count, i;

	for (unsigned int n = 0; n < message->descriptor->n_fields; n++) {
		field = &message->descriptor->fields[n];
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		member = member_of(message, field);
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			memcpy(&items, member, sizeof(items));
			count = count_of(message, field);
		} else {
			memcpy(&one, member, sizeof(one));
			items = &one;
			count = one != NULL;
		}
		for (i = 0; i < count; i++)
			if (request_check(items[i], error) == -1)
				return (error_prefix(error, "%s", field->name));
	}
	return (0);
}

int
request_check(const ProtobufCMessage *message, struct error *error)
{
	if (check_here(message, error) == -1)
		return (-1);
	return (check_below(message, error));
}

static bool
guarantee_valid(ReplicationGuaranteeKind kind)
{
	return (kind == REPLICATION_GUARANTEE_KIND__GuaranteeResumability ||
	    kind == REPLICATION_GUARANTEE_KIND__GuaranteeIncrementalReplication ||
	    kind == REPLICATION_GUARANTEE_KIND__GuaranteeNothing);
}

int
request_check_guarantees(const ReplicationConfig *config, struct error *error)
{
	if (guarantee_valid(config->protection->initial) &&
	    guarantee_valid(config->protection->incremental))
		return (0);
	return (error_set(error, EXIT_FAILED,
	    "ReplicationConfig.protection holds an invalid guarantee"));
}
