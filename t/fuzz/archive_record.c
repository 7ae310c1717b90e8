/*
 * Feeds the record of a snapshot in an archive: what is one can be written, and
 * read again as the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_record.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive_snapshot first, second;
	char text[ARCHIVE_RECORD_MAX];
	size_t length;

	if (size > ARCHIVE_RECORD_MAX ||
	    !archive_record_parse((const char *)data, size, &first))
		return (0);
	length = archive_record_print(text, &first);
	if (length >= sizeof(text) ||
	    !archive_record_parse(text, length, &second) ||
	    strcmp(first.name, second.name) != 0 || first.guid != second.guid ||
	    first.from_guid != second.from_guid ||
	    first.createtxg != second.createtxg ||
	    first.arrival != second.arrival ||
	    first.creation != second.creation || first.size != second.size ||
	    first.has_digest != second.has_digest ||
	    first.digest_kind != second.digest_kind ||
	    memcmp(first.digest, second.digest, sizeof(first.digest)) != 0 ||
	    first.damaged != second.damaged)
		abort();
	return (0);
}
