#include <string.h>

#include "format/nvlist.h"

/* Is this the pair's name? */
static bool
is_named(const struct nvpair *pair, const char *name)
{
	return (strlen(name) == pair->name_length &&
	    memcmp(pair->name, name, pair->name_length) == 0);
}

enum nvlist_found
nvlist_find(const struct nvlist *list, const char *name, enum nvlist_type type,
    struct nvpair *pair)
{
	struct nvpair each = NVPAIR_START;
	enum nvlist_found found = NVLIST_ABSENT;

	while (nvlist_next(list, &each)) {
		if (!is_named(&each, name))
			continue;
		if (found != NVLIST_ABSENT || each.type != type)
			return (NVLIST_WRONG);
		found = NVLIST_FOUND;
		*pair = each;
	}
	return (found);
}

enum nvlist_found
nvlist_find_uint64(const struct nvlist *list, const char *name, uint64_t *value)
{
	struct nvpair pair;
	const enum nvlist_found found = nvlist_find(list, name, NVLIST_UINT64,
	    &pair);

	if (found == NVLIST_FOUND)
		*value = nvpair_uint64(list, &pair);
	return (found);
}

enum nvlist_found
nvlist_find_boolean(const struct nvlist *list, const char *name)
{
	struct nvpair pair;

	return (nvlist_find(list, name, NVLIST_BOOLEAN, &pair));
}
