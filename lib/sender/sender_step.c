/* One step of replication on the sender: may it be sent, and from what. */
#include <inttypes.h>
#include <string.h>

#include "format/fs_name.h"
#include "format/resume_token.h"
#include "format/zrepl_name.h"
#include "message/request_check.h"
#include "sender/sender.h"
#include "zfs/zfs_advice.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_versions.h"

int
sender_check_filesystem(const struct sender *sender, const char *filesystem,
    struct error *error)
{
	if (filesystem[0] == '\0')
		return (error_set(error, EXIT_FAILED,
		    "empty filesystem not allowed"));
	if (!fs_name_valid_filesystem(filesystem))
		return (error_set(error, EXIT_FAILED,
		    "\"%s\" is not the name of a filesystem", filesystem));
	if (!fs_filter_allows(&sender->filter, filesystem))
		return (error_set(error, EXIT_FAILED,
		    "endpoint does not allow access to filesystem %s", filesystem));
	return (0);
}

/* The guarantee that applies to a request: by whether it has a From. */
static ReplicationGuaranteeKind
guarantee_of(const SendReq *request)
{
	const ReplicationConfigProtection *protection =
	    request->replicationconfig->protection;

	return (request->from == NULL ? protection->initial :
	    protection->incremental);
}

/* Is the request permitted and valid?  Runs no zfs. */
static int
check_request(const struct sender *sender, const SendReq *request,
    struct error *error)
{
	if (sender_check_filesystem(sender, request->filesystem, error) == -1)
		return (-1);
	if (request_check_guarantees(request->replicationconfig,
	    error) == -1)
		return (-1);
	if (request->to->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		return (error_set(error, EXIT_FAILED,
		    "To is not a snapshot: \"%s\"", request->to->name));
	if (!fs_name_valid_snapshot(request->to->name) ||
	    (request->from != NULL && !fs_name_valid_snapshot(request->from->name)))
		return (error_set(error, EXIT_FAILED,
		    "From or To has a name that no snapshot can have"));
	return (0);
}

/* Read the filesystem and all its versions. */
static int
open_filesystem(struct sender_step *step, const struct sender *sender,
    const SendReq *request, struct error *error)
{
	*step = (struct sender_step){ .request = request,
	    .list.text = BUFFER_EMPTY(ZFS_OUTPUT_MAX) };
	if (check_request(sender, request, error) == -1)
		return (-1);
	step->guarantee = guarantee_of(request);
	return (zfs_filesystem_read(&step->list, request->filesystem,
	    ZFS_WANT_HOLDS | ZFS_WANT_ENCRYPTION, false, error));
}

/* Find To and From among them. */
static int
find_versions(struct sender_step *step, struct error *error)
{
	const SendReq *request = step->request;

	step->to = zfs_version_find(&step->list, request->filesystem,
	    request->to, error);
	if (step->to == NULL)
		return (-1);
	if (request->from == NULL)
		return (0);
	step->from = zfs_version_find(&step->list, request->filesystem,
	    request->from, error);
	if (step->from == NULL)
		return (-1);
	if (step->from->createtxg >= step->to->createtxg)
		return (error_set(error, EXIT_FAILED,
		    "From \"%s\" is not older than To \"%s\"",
		    request->from->name, request->to->name));
	return (0);
}

int
sender_step_open(struct sender_step *step, const struct sender *sender,
    const SendReq *request, struct error *error)
{
	if (open_filesystem(step, sender, request, error) == -1)
		return (-1);
	return (find_versions(step, error));
}

void
sender_step_free(struct sender_step *step)
{
	zfs_list_free(&step->list);
}

/* --- may it be sent? --- */

/* A snapshot or bookmark with that guid; NULL if there is none. */
static const struct zfs_object *
find_guid(const struct sender_step *step, uint64_t guid)
{
	for (size_t i = 1; i < step->list.count; i++)
		if (step->list.objects[i].guid == guid)
			return (&step->list.objects[i]);
	return (NULL);
}

/* Check that the token resumes the requested step. */
static int
check_token_step(const struct sender_step *step,
    const struct resume_token *token, struct error *error)
{
	const SendReq *request = step->request;

	if (strcmp(token->filesystem, request->filesystem) != 0)
		return (error_set(error, EXIT_FAILED, "resume token is of "
		    "filesystem %s, not of %s%s", token->filesystem,
		    request->filesystem, token->to_guid == step->to->guid ?
		    ": what was interrupted before a rename cannot be resumed" : ""));
	if (find_guid(step, token->to_guid) == NULL)
		return (error_set(error, EXIT_FAILED, "resume token has toguid %"
		    PRIu64 " (%s@%s), a snapshot that the sender no longer "
		    "has", token->to_guid, token->filesystem,
		    token->snapshot));
	if (token->to_guid != step->to->guid)
		return (error_set(error, EXIT_FAILED, "resume token has toguid %"
		    PRIu64 ", but To has %" PRIu64, token->to_guid,
		    step->to->guid));
	if (token->from_guid != 0 && find_guid(step, token->from_guid) == NULL)
		return (error_set(error, EXIT_FAILED, "resume token has fromguid %"
		    PRIu64 ", a snapshot that the sender no longer has",
		    token->from_guid));
	if ((token->from_guid != 0) != (step->from != NULL))
		return (error_set(error, EXIT_FAILED, "resume token is of %s "
		    "stream, the request %s", token->from_guid != 0 ?
		    "an incremental" : "a full", step->from != NULL ?
		    "has a From" : "has no From"));
	if (step->from != NULL && token->from_guid != step->from->guid)
		return (error_set(error, EXIT_FAILED, "resume token has fromguid %"
		    PRIu64 ", but From has %" PRIu64, token->from_guid,
		    step->from->guid));
	return (0);
}

static int
check_token(struct sender_step *step, const struct sender *sender,
    struct error *error)
{
	struct resume_token token;
	bool raw;

	if (resume_token_decode(&token, step->request->resumetoken, error) == -1 ||
	    check_token_step(step, &token, error) == -1)
		return (-1);
	raw = (token.flags & RESUME_TOKEN_RAW) != 0;
	if (sender->encrypted && !raw && step->list.objects[0].encrypted)
		return (error_set(error, EXIT_FAILED, "resume token is of a "
		    "stream that is not raw, but the sender's policy now is to "
		    "send only raw ones"));
	if (!sender->encrypted && raw && step->list.objects[0].encrypted)
		return (error_set(error, EXIT_FAILED, "resume token is of a raw "
		    "stream, but the sender's policy now is that filesystem %s "
		    "may not be sent raw", step->request->filesystem));
	step->resumes_embedded = (token.flags & RESUME_TOKEN_EMBEDDED) != 0;
	if ((token.flags & (RESUME_TOKEN_REDACTED | RESUME_TOKEN_SAVED)) != 0)
		return (error_set(error, EXIT_FAILED, "resume token is of a %s "
		    "stream", (token.flags & RESUME_TOKEN_REDACTED) != 0 ?
		    "redacted" : "saved"));
	return (0);
}

/* A useless token blocks its filesystem until a person acts. */
static int
cannot_resume(const struct sender_step *step, struct error *error)
{
	if (step->request->resumetoken[0] != '\0') {
		strlcat(error->text, "; ", sizeof(error->text));
		strlcat(error->text, ZFS_ADVICE_GIVE_UP, sizeof(error->text));
	}
	return (-1);
}

/*
 * ZFS limits the length of a bookmark's whole name.  Fail now and not after the whole
 * stream.
 */
static int
check_cursor_name(const struct sender_step *step, const struct sender *sender,
    struct error *error)
{
	char name[ZREPL_NAME_SIZE];
	size_t length;

	if (sender->job == NULL || step->guarantee ==
	    REPLICATION_GUARANTEE_KIND__GuaranteeNothing)
		return (0);
	zrepl_cursor_name(name, step->guarantee ==
	    REPLICATION_GUARANTEE_KIND__GuaranteeIncrementalReplication ?
	    ZREPL_TENTATIVE_CURSOR : ZREPL_CURSOR, step->to->guid, sender->job);
	length = strlen(step->request->filesystem) + 1 + strlen(name);
	if (length > FS_NAME_MAX)
		return (error_set(error, EXIT_FAILED, "the name of filesystem %s "
		    "is too long for a replication cursor (%zu bytes with it, ZFS "
		    "allows %d): a shorter name for it or for the job, or "
		    "GuaranteeNothing, would do", step->request->filesystem,
		    length, FS_NAME_MAX));
	return (0);
}

/* The encryption policy. */
static int
check_policy(struct sender_step *step, const struct sender *sender,
    struct error *error)
{
	const bool encrypted = step->list.objects[0].encrypted;

	if (sender->encrypted && !sender->raw && !encrypted)
		return (error_set(error, EXIT_FAILED, "filesystem %s is not "
		    "encrypted, and only encrypted ones may be sent",
		    step->request->filesystem));
	if (sender->raw && !sender->encrypted && encrypted)
		return (error_set(error, EXIT_FAILED, "filesystem %s is encrypted, "
		    "and only unencrypted ones may be sent",
		    step->request->filesystem));
	/*
	 * With both options what is not encrypted goes in the clear: zfs send -w would
	 * send it as -e does (zstream.c, EMBEDDED_SPILL).
	 */
	step->raw = sender->encrypted ? encrypted : sender->raw;
	return (0);
}

int
sender_step_begin(struct sender_step *step, const struct sender *sender,
    const SendReq *request, struct error *error)
{
	if (open_filesystem(step, sender, request, error) == -1)
		return (-1);
	if (find_versions(step, error) == -1)
		return (cannot_resume(step, error));
	if (check_policy(step, sender, error) == -1 ||
	    check_cursor_name(step, sender, error) == -1)
		return (-1);
	if (request->resumetoken[0] != '\0' &&
	    check_token(step, sender, error) == -1)
		return (cannot_resume(step, error));
	return (0);
}
