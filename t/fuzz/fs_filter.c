/*
 * Feeds a filter's entries, one a line; each line, an entry or not, is also
 * a filesystem to be judged, by the filter and by its rules put another way.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/fs_filter.h"
#include "format/fs_name.h"

#define LINES_MAX 64

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact entry; else the entry of the nearest tree above, or of all. */
static bool
allowed(const struct fs_filter *filter, const char *filesystem)
{
	char *above = strdup(filesystem), *slash;
	bool exact = true, more = true, found = false, allow = false;

	while (!found && more) {
		for (size_t i = 0; i < filter->count && !found; i++)
			if (filter->entries[i].subtree != exact &&
			    strcmp(filter->entries[i].path, above) == 0) {
				found = true;
				allow = filter->entries[i].allow;
			}
		if (exact)
			exact = false;
		else if ((slash = strrchr(above, '/')) != NULL)
			*slash = '\0';
		else if (above[0] != '\0')
			above[0] = '\0';
		else
			more = false;
	}
	free(above);
	return (allow);
}

static void
check(const struct fs_filter *filter, const char *filesystem)
{
	bool allow = fs_filter_allows(filter, filesystem), matches = false;

	if (allow != allowed(filter, filesystem) ||
	    (allow && !fs_filter_can_allow(filter)))
		abort();
	for (size_t i = 0; i < filter->count; i++)
		matches |= filter->entries[i].allow &&
		    fs_filter_entry_matches(&filter->entries[i], filesystem);
	if (allow && !matches)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text;
	struct fs_filter filter = { .entries = NULL };
	const char *lines[LINES_MAX];
	struct error error;
	size_t count = 0, before;

	while (rest != NULL && count < LINES_MAX)
		lines[count++] = strsep(&rest, "\n");
	for (size_t i = 0; i < count; i++) {
		before = filter.count;
		if (fs_filter_add(&filter, lines[i], &error) == -1 ?
		    filter.count != before || error.code != EXIT_USAGE :
		    filter.count != before + 1)
			abort();
	}
	for (size_t i = 0; i < count; i++)
		if (fs_name_valid_filesystem(lines[i]))
			check(&filter, lines[i]);
	fs_filter_free(&filter);
	free(text);
	return (0);
}
