#include <inttypes.h>
#include <string.h>

#include "archive/archive_list.h"
#include "format/rfc3339.h"

const struct archive_entry *
archive_find_version(const struct archive_list *list, const char *filesystem,
    const FilesystemVersion *version, struct error *error)
{
	const struct archive_entry *found = archive_find_name(list, version->name);
	const struct archive_entry *same = archive_find_guid(list, version->guid);

	if (version->type != FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
		error_set(error, EXIT_FAILED,
		    "version \"%s\" is not a snapshot", version->name);
	else if (same != NULL && same->defect == ARCHIVE_NO_RECORD)
		archive_explain(same, error);
	else if (same != NULL && strcmp(same->snapshot.name, version->name) == 0)
		return (same);
	else if (found == NULL)
		error_set(error, EXIT_FAILED, "dataset \"%s@%s\" does not exist",
		    filesystem, version->name);
	else if (version->guid != 0 && found->snapshot.guid != version->guid)
		error_set(error, EXIT_FAILED, "%s@%s has the guid %" PRIu64
		    ", not %" PRIu64, filesystem, version->name,
		    found->snapshot.guid, version->guid);
	else
		return (found);
	return (NULL);
}

int
archive_explain(const struct archive_entry *entry, struct error *error)
{
	const struct archive_snapshot *snapshot = &entry->snapshot;
	char file[ARCHIVE_FILE_MAX], time[RFC3339_SIZE];

	switch (entry->defect) {
	case ARCHIVE_NO_RECORD:
		archive_file_name(file, snapshot->guid, ARCHIVE_RECORD_SUFFIX);
		return (error_set(error, EXIT_FAILED, "archive: %s is damaged: "
		    "it is not the record of a snapshot with this guid", file));
	case ARCHIVE_NO_STREAM:
		archive_file_name(file, snapshot->guid, ARCHIVE_STREAM_SUFFIX);
		return (error_set(error, EXIT_FAILED, "archive: %s (snapshot %s) "
		    "is damaged: %" PRIu64 " bytes, not %" PRIu64, file,
		    snapshot->name, entry->found, snapshot->size));
	case ARCHIVE_MARKED:
		archive_file_name(file, snapshot->guid, ARCHIVE_STREAM_SUFFIX);
		rfc3339_format(time, snapshot->damaged);
		return (error_set(error, EXIT_FAILED, "archive: %s (snapshot %s) "
		    "is damaged: zr-scrub found that at %s", file, snapshot->name,
		    time));
	case ARCHIVE_NO_BASE:
		return (error_set(error, EXIT_FAILED, "snapshot %s is an increment "
		    "of the one with guid %" PRIu64 ", which is missing or damaged",
		    snapshot->name, snapshot->from_guid));
	case ARCHIVE_SOUND:
		break;
	}
	return (error_set(error, EXIT_FAILED, "snapshot %s is sound",
	    snapshot->name));
}
