/* Feeds a packed nvlist to the reader, then visits every pair of it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "format/nvlist.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(const struct nvlist *list)
{
	struct nvpair pair = NVPAIR_START, found;
	struct nvlist nested;
	char name[64];
	size_t length;

	while (nvlist_next(list, &pair)) {
		if (pair.name_length < sizeof(name)) {
			__builtin_memcpy(name, pair.name, pair.name_length);
			name[pair.name_length] = '\0';
			if (nvlist_find(list, name, pair.type, &found) ==
			    NVLIST_ABSENT)
				abort();
		}
		if (pair.type == NVLIST_UINT64)
			nvpair_uint64(list, &pair);
		if (pair.type == NVLIST_STRING)
			nvpair_string(list, &pair, &length);
		if (pair.type != NVLIST_NVLIST &&
		    pair.type != NVLIST_NVLIST_ARRAY)
			continue;
		for (uint32_t i = 0; i < pair.count; i++) {
			nvpair_list(list, &pair, i, &nested);
			walk(&nested);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvlist list;
	struct error error;

	if (nvlist_parse(&list, data, size, &error) == 0)
		walk(&list);
	return (0);
}
