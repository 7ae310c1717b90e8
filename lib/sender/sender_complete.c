/*
 * SendCompleted in as few processes as zfs allows.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "sender/sender.h"
#include "zfs/fs_name.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_hold.h"

#define PROGRAM_OUTPUT_MAX (16u << 20)	/* bytes */

/*
 * Runs inside ZFS, at one moment: are To and From the snapshots that are meant?
 * If so, make the cursor, and tell who has the step hold and which bookmarks
 * there are.  Anything unusual is left to those who can look closer.
 */
static const char program[] =
    "args = ...\n"
    "argv = args['argv']\n"
    "fs, to, to_guid, from, from_guid, cursor, tag = argv[1], argv[2],\n"
    "    argv[3], argv[4], argv[5], argv[6], argv[7]\n"
    "function is(name, guid)\n"
    "	return zfs.exists(name) and\n"
    "	    '=' .. zfs.get_prop(name, 'guid') == guid\n"
    "end\n"
    "if not is(to, to_guid) then return {} end\n"
    "if from ~= '' and (not is(from, from_guid) or\n"
    "    zfs.get_prop(from, 'createtxg') >= zfs.get_prop(to, 'createtxg'))\n"
    "    then return {} end\n"
    "bookmarks, holds, b, h = {}, {}, 0, 0\n"
    "for name in zfs.list.bookmarks(fs) do\n"
    "	b = b + 1\n"
    "	bookmarks[b] = name\n"
    "end\n"
    "for name in zfs.list.snapshots(fs) do\n"
    "	for t in zfs.list.holds(name) do\n"
    "		if t == tag then\n"
    "			h = h + 1\n"
    "			holds[h] = name\n"
    "		end\n"
    "	end\n"
    "end\n"
    "if zfs.sync.bookmark(to, cursor) ~= 0 then return {} end\n"
    "return {made = 1, bookmarks = bookmarks, holds = holds}\n";

/* Lua has signed integers only; what begins with "-" would be an option. */
static const char *
signed_guid(char text[32], uint64_t guid)
{
	snprintf(text, 32, "=%" PRId64, (int64_t)guid);
	return (text);
}

/* What the program returned; NULL where it did not make the cursor. */
static json_t *
run_program(const struct sender *sender, const SendReq *request)
{
	char pool[FS_NAME_MAX + 1], to[2 * FS_NAME_MAX + 2], to_guid[32];
	char from[2 * FS_NAME_MAX + 2] = "", from_guid[32] = "";
	char name[ZREPL_NAME_SIZE], cursor[FS_NAME_MAX + 1 + ZREPL_NAME_SIZE];
	char tag[ZREPL_NAME_SIZE];
	struct buffer output = BUFFER_EMPTY(PROGRAM_OUTPUT_MAX);
	struct zfs_arguments arguments;
	struct zfs_report report;
	json_t *whole = NULL, *result = NULL;
	struct error error;

	snprintf(pool, sizeof(pool), "%.*s",
	    (int)strcspn(request->filesystem, "/"), request->filesystem);
	snprintf(to, sizeof(to), "%s@%s", request->filesystem, request->to->name);
	if (request->from != NULL) {
		snprintf(from, sizeof(from), "%s@%s", request->filesystem,
		    request->from->name);
		signed_guid(from_guid, request->from->guid);
	}
	zrepl_cursor_name(name, ZREPL_CURSOR, request->to->guid, sender->job);
	snprintf(cursor, sizeof(cursor), "%s#%s", request->filesystem, name);
	zrepl_hold_tag(tag, ZREPL_STEP_TAG, sender->job);
	arguments = zfs_arguments("program", "-j", pool, "-", request->filesystem,
	    to, signed_guid(to_guid, request->to->guid), from, from_guid, cursor,
	    tag, NULL);
	arguments.input = program;
	if (zfs_run(&arguments, 0, &output, &report, &error) == 0 &&
	    report.exit_code == 0)
		whole = json_loadb((const char *)buffer_front(&output),
		    buffer_length(&output), 0, NULL);
	zfs_arguments_free(&arguments);
	buffer_free(&output);
	result = json_object_get(whole, "return");
	result = json_object_get(result, "made") == NULL ? NULL :
	    json_incref(result);
	json_decref(whole);
	return (result);
}

static void
release_holds(const struct sender *sender, const json_t *snapshots)
{
	char tag[ZREPL_NAME_SIZE];
	struct zfs_list list = { .count = 0 };
	const char *const spare[] = { NULL };
	struct error error;
	const char *key;
	json_t *value;

	list.objects = calloc(json_object_size(snapshots) + 1,
	    sizeof(*list.objects));
	if (list.objects == NULL)
		return;
	json_object_foreach((json_t *)(uintptr_t)snapshots, key, value)
		if (json_is_string(value))
			list.objects[list.count++] = (struct zfs_object){
			    .name = json_string_value(value),
			    .type = ZFS_SNAPSHOT, .holds = 1 };
	zrepl_hold_tag(tag, ZREPL_STEP_TAG, sender->job);
	if (zfs_release(tag, &list, spare, &error) == -1)
		diag("stale step holds stay: %s", error.text);
	free(list.objects);
}

/*
 * Destroy this job's tentative cursors and the cursor of From.  False where
 * there are others, of which only their own createtxg tells whether they are
 * older than To.
 */
static bool
destroy_bookmarks(const struct sender *sender, const SendReq *request,
    const json_t *bookmarks)
{
	enum zrepl_cursor kind;
	const char *key, *name, *job;
	bool all = true;
	uint64_t guid;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)bookmarks, key, value) {
		name = json_string_value(value);
		if (name == NULL || strchr(name, '#') == NULL ||
		    !zrepl_cursor_parse(strchr(name, '#') + 1, &kind, &guid, &job) ||
		    strcmp(job, sender->job) != 0)
			continue;
		if (kind == ZREPL_TENTATIVE_CURSOR || (request->from != NULL &&
		    guid == request->from->guid))
			sender_destroy_bookmark(name);
		else if (guid != request->to->guid)
			all = false;
	}
	return (all);
}

/* True if nothing is left to do. */
static bool
complete_at_once(const struct sender *sender, const SendReq *request)
{
	json_t *found;
	bool all;

	if (geteuid() != 0 || (request->from != NULL && request->from->type !=
	    FILESYSTEM_VERSION__VERSION_TYPE__Snapshot))
		return (false);
	found = run_program(sender, request);
	if (found == NULL)
		return (false);
	release_holds(sender, json_object_get(found, "holds"));
	all = destroy_bookmarks(sender, request, json_object_get(found, "bookmarks"));
	json_decref(found);
	return (all);
}

int
sender_complete(const struct sender *sender, const SendReq *request,
    struct error *error)
{
	struct sender_step step;
	int result;

	if (sender_check_request(sender, request, error) == -1 ||
	    sender_check_job(sender, error) == -1)
		return (-1);
	if (sender_guarantee(request) !=
	    REPLICATION_GUARANTEE_KIND__GuaranteeNothing &&
	    complete_at_once(sender, request))
		return (0);
	result = sender_step_open(&step, sender, request, error);
	if (result == 0)
		result = sender_step_complete(&step, sender, error);
	sender_step_free(&step);
	return (result);
}
