#ifndef ZR_GUID_INDEX_H
#define ZR_GUID_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "plan/listing.h"

/*
 * The versions of a filesystem by their guids.  A result is an index into the listing's
 * versions, which must not change meanwhile.
 */
struct guid_index {
	FilesystemVersion *const *versions;	/* the listing's */
	size_t *order;				/* indexes, by guid; owned */
	size_t count;
};

#define GUID_NOT_FOUND SIZE_MAX

/* -1 with errno: out of memory.  Start with all zero. */
int	guid_index_make(struct guid_index *index, const Listing *filesystem);

/* The last version of a guid, hence a snapshot before a bookmark of it. */
size_t	guid_index_find(const struct guid_index *index, uint64_t guid);

/* The last snapshot of a guid, whatever bookmarks it has. */
size_t	guid_index_find_snapshot(const struct guid_index *index, uint64_t guid);

void	guid_index_free(struct guid_index *index);

#endif
