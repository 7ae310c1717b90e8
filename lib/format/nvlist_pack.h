#ifndef ZR_NVLIST_PACK_H
#define ZR_NVLIST_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writing a packed nvlist as ZFS does, in this machine's encoding and byte order
 * (nvlist.h reads it).  Into the caller's bytes; whether they suffice is asked once, at
 * the end.  Names must differ, as the list says that they do.
 */
struct nvlist_pack {
	uint8_t *bytes;		/* borrowed */
	size_t size;
	size_t length;		/* of the list, so far */
	bool too_long;
};

void	nvlist_pack_begin(struct nvlist_pack *pack, void *bytes, size_t size);

void	nvlist_pack_uint64(struct nvlist_pack *pack, const char *name, uint64_t value);
void	nvlist_pack_string(struct nvlist_pack *pack, const char *name, const char *text);
void	nvlist_pack_boolean(struct nvlist_pack *pack, const char *name);

/* -1: it is longer than size.  Otherwise the first pack->length bytes are the list. */
int	nvlist_pack_end(struct nvlist_pack *pack);

#endif
