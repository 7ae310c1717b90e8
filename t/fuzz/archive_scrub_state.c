/*
 * Feeds the state of a scrub: what is one can be written, and read again as the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive_scrub_state.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scrub_state first, second;
	char text[SCRUB_STATE_MAX];
	size_t length;

	if (size > SCRUB_STATE_MAX ||
	    !scrub_state_parse((const char *)data, size, &first))
		return (0);
	length = scrub_state_print(text, &first);
	if (length >= sizeof(text) || !scrub_state_parse(text, length, &second) ||
	    first.began != second.began || first.finished != second.finished ||
	    first.streams != second.streams || first.bytes != second.bytes ||
	    strcmp(first.filesystem, second.filesystem) != 0 ||
	    first.guid != second.guid ||
	    (first.filesystem[0] != '\0' && !scrub_state_is_past(&second,
	    first.filesystem, first.guid)))
		abort();
	return (0);
}
