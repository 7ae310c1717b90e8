#include <inttypes.h>
#include <string.h>

#include "archive/archive_list.h"
#include "archive/archive_place.h"
#include "format/rfc3339.h"

/* The number for a snapshot; one that replaces itself keeps its own. */
static uint64_t
arrival(const struct archive_list *list, const struct archive_entry *same,
    const FilesystemVersion *to)
{
	int64_t creation;

	if (same != NULL && same->defect != ARCHIVE_NO_RECORD &&
	    strcmp(same->snapshot.name, to->name) == 0 &&
	    rfc3339_parse(to->creation, &creation) &&
	    same->snapshot.creation == creation)
		return (same->snapshot.arrival);
	return (list->last_arrival + 1);
}

/* May this snapshot be added? */
static int
check_list(struct archive_place *place, const struct archive_list *list,
    const ReceiveReq *request, const struct zstream *stream, struct error *error)
{
	const FilesystemVersion *to = request->to;
	const char *filesystem = request->filesystem;
	const struct archive_entry *same = archive_find_name(list, to->name);
	const struct archive_entry *base;

	if (same != NULL && same->snapshot.guid != to->guid)
		return (error_set(error, EXIT_FAILED, "%s@%s "
		    "already exists with other contents (guid %" PRIu64 ")",
		    filesystem, to->name, same->snapshot.guid));
	same = archive_find_guid(list, to->guid);
	/* What is damaged is replaced. */
	place->present = same != NULL && same->defect == ARCHIVE_SOUND;
	place->arrival = arrival(list, same, to);
	if (place->present && strcmp(same->snapshot.name, to->name) != 0)
		return (error_set(error, EXIT_FAILED,
		    "%s@%s already exists under the name %s",
		    filesystem, to->name, same->snapshot.name));
	if (place->present || !stream->begun || stream->from_guid == 0)
		return (0);
	base = archive_find_guid(list, stream->from_guid);
	if (base == NULL)
		return (error_set(error, EXIT_FAILED, "%s lacks the "
		    "base of this increment, the snapshot with guid %" PRIu64,
		    filesystem, stream->from_guid));
	if (base->defect != ARCHIVE_SOUND) {
		archive_explain(base, error);
		return (error_prefix(error,
		    "%s: the base of this increment cannot be used", filesystem));
	}
	return (0);
}

/* Read the list of snapshots, unless it has not changed since.  1 if it was read. */
static int
read_list(struct archive_place *place, int directory, struct error *error)
{
	struct archive_scan scan;
	bool same;

	if (place->known) {
		if (archive_scan(directory, &scan, error) == -1)
			return (-1);
		archive_scan_times(directory, &scan);
		same = archive_scan_equal(&scan, &place->list.scan);
		archive_scan_free(&scan);
		if (same)
			return (0);
		archive_place_free(place);
	}
	if (archive_list(directory, &place->list, error) == -1)
		return (-1);
	place->known = true;
	return (1);
}

int
archive_place_check(struct archive_place *place, int directory, const ReceiveReq *request,
    const struct zstream *stream, bool final, struct error *error)
{
	struct error why;

	if ((final || !place->known) && read_list(place, directory, error) == -1)
		return (-1);
	if (check_list(place, &place->list, request, stream, error) == 0)
		return (0);
	/* The missing base may have come meanwhile. */
	switch (final ? 0 : read_list(place, directory, &why)) {
	case -1:
		*error = why;
		return (-1);
	case 1:
		return (check_list(place, &place->list, request, stream, error));
	default:
		return (-1);
	}
}

void
archive_place_free(struct archive_place *place)
{
	archive_list_free(&place->list);
	place->known = false;
}

int
archive_place_check_stream(const ReceiveReq *request, const struct zstream *stream,
    struct error *error)
{
	const FilesystemVersion *to = request->to;
	int64_t creation = 0;

	if (stream->to_guid != to->guid)
		return (error_set(error, EXIT_FAILED, "the stream is of "
		    "the snapshot with guid %" PRIu64 ", not %" PRIu64,
		    stream->to_guid, to->guid));
	if (strcmp(zstream_snapshot(stream), to->name) != 0)
		return (error_set(error, EXIT_FAILED,
		    "the stream is of the snapshot \"%s\", not \"%s\"",
		    zstream_snapshot(stream), to->name));
	rfc3339_parse(to->creation, &creation);
	if (stream->creation != creation)
		return (error_set(error, EXIT_FAILED, "the stream's "
		    "snapshot was made at second %" PRId64 ", not %" PRId64,
		    stream->creation, creation));
	if (creation < 0 || creation > RFC3339_LAST)
		return (error_set(error, EXIT_FAILED, "the stream's "
		    "snapshot was made in no year of 1970 to 9999"));
	return (0);
}
