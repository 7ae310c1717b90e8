#include <endian.h>
#include <string.h>

#include "format/nvlist.h"
#include "format/nvlist_pack.h"

/* The form is described in nvlist.c. */
#define ENCODING_NATIVE		0
#define UNIQUE_NAMES		1
#define PAIR_HEADER		16

static void
put(struct nvlist_pack *pack, const void *bytes, size_t length)
{
	pack->too_long = pack->too_long || length > pack->size - pack->length;
	if (pack->too_long)
		return;
	memcpy(pack->bytes + pack->length, bytes, length);
	pack->length += length;
}

static void
put32(struct nvlist_pack *pack, uint32_t value)
{
	put(pack, &value, sizeof(value));
}

static size_t
padding(size_t length)
{
	return ((8 - length % 8) % 8);
}

/* A pair; its name and its value are padded. */
static void
put_pair(struct nvlist_pack *pack, const char *name, enum nvlist_type type,
    uint32_t count, const void *value, size_t length)
{
	static const uint8_t zeros[8] = { 0 };
	const size_t name_size = strlen(name) + 1;
	const size_t name_padding = padding(PAIR_HEADER + name_size);
	const uint16_t sizes[2] = { (uint16_t)name_size, 0 };

	if (name_size > NVLIST_NAME_MAX + 1 || length > UINT16_MAX) {
		pack->too_long = true;
		return;
	}
	put32(pack, (uint32_t)(PAIR_HEADER + name_size + name_padding + length +
	    padding(length)));
	put(pack, sizes, sizeof(sizes));
	put32(pack, count);
	put32(pack, type);
	put(pack, name, name_size);
	put(pack, zeros, name_padding);
	put(pack, value, length);
	put(pack, zeros, padding(length));
}

void
nvlist_pack_begin(struct nvlist_pack *pack, void *bytes, size_t size)
{
	const uint8_t header[4] = { ENCODING_NATIVE, BYTE_ORDER == LITTLE_ENDIAN, 0, 0 };

	*pack = (struct nvlist_pack){ .bytes = bytes, .size = size };
	put(pack, header, sizeof(header));
	put32(pack, 0);		/* version */
	put32(pack, UNIQUE_NAMES);
}

void
nvlist_pack_uint64(struct nvlist_pack *pack, const char *name, uint64_t value)
{
	put_pair(pack, name, NVLIST_UINT64, 1, &value, sizeof(value));
}

void
nvlist_pack_string(struct nvlist_pack *pack, const char *name, const char *text)
{
	put_pair(pack, name, NVLIST_STRING, 1, text, strlen(text) + 1);
}

void
nvlist_pack_boolean(struct nvlist_pack *pack, const char *name)
{
	put_pair(pack, name, NVLIST_BOOLEAN, 0, "", 0);
}

int
nvlist_pack_end(struct nvlist_pack *pack)
{
	put32(pack, 0);
	return (pack->too_long ? -1 : 0);
}
