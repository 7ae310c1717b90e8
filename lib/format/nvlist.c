#include <byteswap.h>
#include <endian.h>
#include <string.h>

#include "format/nvlist.h"

/*
 * A packed nvlist is four bytes (encoding, byte order, two unused) and a list;
 * a list is version, flags, pairs, and a pair's size of zero.
 *
 * XDR (all big-endian, everything padded to 4 bytes): a pair is its encoded
 * size, its size when unpacked, name, type, number of elements, value.  Lists
 * in it are part of the value.
 *
 * Native is what lay in the writer's memory: a pair is its size, the name's
 * size, number of elements, type, name, value, the last two padded to 8
 * bytes.  Lists in it stand behind the pair, and its size does not count
 * them; their version and flags are in structures of 24 bytes in the value's
 * place, before which there are pointers if it is an array.
 */
#define HEADER_SIZE		4
#define ENCODING_NATIVE		0
#define ENCODING_XDR		1
#define ORDER_BIG		0
#define ORDER_LITTLE		1
#define UNPACKED_POINTER	8
#define UNPACKED_LIST		24
#define NATIVE_PAIR		16
#define VERSION_AND_FLAGS	8

/* A cursor in the bytes of a list; every access is checked against the end. */
struct cursor {
	const struct nvlist *list;
	size_t at;
};

static int	skip_pairs(struct cursor *cursor, unsigned int depth,
		    struct error *error);
static int	skip_list(struct cursor *cursor, unsigned int depth,
		    struct error *error);

static int
refuse(const struct cursor *cursor, struct error *error, const char *what)
{
	return (error_set(error, EXIT_PROTOCOL, "not an nvlist: %s (at offset "
	    "%zu of its pairs)", what, cursor->at));
}

static size_t
left(const struct cursor *cursor)
{
	return (cursor->list->length - cursor->at);
}

static bool
skip(struct cursor *cursor, uint64_t length)
{
	if (length > left(cursor))
		return (false);
	cursor->at += (size_t)length;
	return (true);
}

static uint32_t
load32(const struct nvlist *list, const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return (list->swap ? bswap_32(value) : value);
}

static bool
get32(struct cursor *cursor, uint32_t *value)
{
	const uint8_t *bytes = cursor->list->bytes + cursor->at;

	if (!skip(cursor, 4))
		return (false);
	*value = load32(cursor->list, bytes);
	return (true);
}

static uint64_t
padded(uint64_t length, unsigned int to)
{
	return ((length + to - 1) / to * to);
}

/* A string of XDR: its length, then its bytes. */
static bool
get_xdr_string(struct cursor *cursor, const uint8_t **text, uint32_t *length)
{
	if (!get32(cursor, length))
		return (false);
	*text = cursor->list->bytes + cursor->at;
	return (skip(cursor, padded(*length, 4)) &&
	    memchr(*text, '\0', *length) == NULL);
}

/* Of each type: bytes of one element in memory, 0 for text, and is it an array? */
static const struct {
	uint8_t size;
	bool array;
} types[NVLIST_DOUBLE + 1] = {
	[NVLIST_BYTE] = { 1, false }, [NVLIST_BYTE_ARRAY] = { 1, true },
	[NVLIST_INT8] = { 1, false }, [NVLIST_INT8_ARRAY] = { 1, true },
	[NVLIST_UINT8] = { 1, false }, [NVLIST_UINT8_ARRAY] = { 1, true },
	[NVLIST_INT16] = { 2, false }, [NVLIST_INT16_ARRAY] = { 2, true },
	[NVLIST_UINT16] = { 2, false }, [NVLIST_UINT16_ARRAY] = { 2, true },
	[NVLIST_INT32] = { 4, false }, [NVLIST_INT32_ARRAY] = { 4, true },
	[NVLIST_UINT32] = { 4, false }, [NVLIST_UINT32_ARRAY] = { 4, true },
	[NVLIST_INT64] = { 8, false }, [NVLIST_INT64_ARRAY] = { 8, true },
	[NVLIST_UINT64] = { 8, false }, [NVLIST_UINT64_ARRAY] = { 8, true },
	[NVLIST_BOOLEAN_VALUE] = { 4, false }, [NVLIST_BOOLEAN_ARRAY] = { 4, true },
	[NVLIST_HRTIME] = { 8, false }, [NVLIST_DOUBLE] = { 8, false },
	[NVLIST_STRING_ARRAY] = { 0, true },
	[NVLIST_NVLIST] = { UNPACKED_LIST, false },
	[NVLIST_NVLIST_ARRAY] = { UNPACKED_POINTER + UNPACKED_LIST, true },
};

/* Is pair->count possible for its type? */
static bool
count_fits(const struct nvpair *pair)
{
	if (pair->type == NVLIST_BOOLEAN)
		return (pair->count == 0);
	if (types[pair->type].array)
		return (pair->count <= INT32_MAX);
	return (pair->count == 1 &&
	    (pair->type == NVLIST_STRING || types[pair->type].size != 0));
}

/* The cursor stands at the value and moves behind it. */
static int
skip_xdr_value(struct cursor *cursor, const struct nvpair *pair,
    unsigned int depth, struct error *error)
{
	const unsigned int element = types[pair->type].size == 8 ? 8 : 4;
	const uint8_t *text;
	uint32_t length;

	switch (pair->type) {
	case NVLIST_BOOLEAN:
		return (0);
	case NVLIST_STRING:
	case NVLIST_STRING_ARRAY:
		for (uint32_t i = 0; i < pair->count; i++)
			if (!get_xdr_string(cursor, &text, &length))
				return (refuse(cursor, error, "bad string"));
		return (0);
	case NVLIST_NVLIST:
	case NVLIST_NVLIST_ARRAY:
		for (uint32_t i = 0; i < pair->count; i++)
			if (skip_list(cursor, depth + 1, error) == -1)
				return (-1);
		return (0);
	case NVLIST_BYTE_ARRAY:
		if (!skip(cursor, padded(pair->count, 4)))
			return (refuse(cursor, error, "array too long"));
		return (0);
	default:
		if (types[pair->type].array && (!get32(cursor, &length) ||
		    length != pair->count))
			return (refuse(cursor, error, "bad array"));
		if (!skip(cursor, (uint64_t)element * pair->count))
			return (refuse(cursor, error, "value cut short"));
		return (0);
	}
}

/* 1: a pair, the cursor is behind it; 0: the end of the list. */
static int
next_xdr(struct cursor *cursor, struct nvpair *pair, unsigned int depth,
    struct error *error)
{
	const size_t start = cursor->at;
	uint32_t size, unpacked, name_length, type;
	const uint8_t *name;

	if (!get32(cursor, &size) || !get32(cursor, &unpacked))
		return (refuse(cursor, error, "it is cut short"));
	if (size == 0 && unpacked == 0)
		return (0);
	if (!get_xdr_string(cursor, &name, &name_length) ||
	    name_length > NVLIST_NAME_MAX)
		return (refuse(cursor, error, "bad name"));
	if (!get32(cursor, &type) || !get32(cursor, &pair->count))
		return (refuse(cursor, error, "it is cut short"));
	pair->name = (const char *)name;
	pair->name_length = name_length;
	pair->type = type <= NVLIST_DOUBLE ? (enum nvlist_type)type : 0;
	if (!count_fits(pair))
		return (refuse(cursor, error, "unknown type or odd count"));
	pair->value = cursor->list->bytes + cursor->at;
	if (skip_xdr_value(cursor, pair, depth, error) == -1)
		return (-1);
	pair->value_length = (size_t)(cursor->list->bytes + cursor->at -
	    pair->value);
	if (cursor->at - start != size)
		return (refuse(cursor, error, "a pair's size is wrong"));
	return (1);
}

/* The value of length bytes inside a native pair. */
static bool
native_value_fits(const struct nvpair *pair)
{
	const uint64_t count = pair->count, length = pair->value_length;
	const uint8_t *at = pair->value, *const end = at + length, *nul;

	if (pair->type == NVLIST_STRING_ARRAY) {
		if (count * UNPACKED_POINTER > length)
			return (false);
		at += count * UNPACKED_POINTER;
	} else if (pair->type != NVLIST_STRING)
		return (padded(count * types[pair->type].size, 8) == length);
	for (uint64_t i = 0; i < count; i++) {
		nul = memchr(at, '\0', (size_t)(end - at));
		if (nul == NULL)
			return (false);
		at = nul + 1;
	}
	return (end - at < 8);
}

static int
next_native(struct cursor *cursor, struct nvpair *pair, unsigned int depth,
    struct error *error)
{
	const struct nvlist *const list = cursor->list;
	const uint8_t *const start = list->bytes + cursor->at;
	uint32_t size, type;
	uint16_t name_size;
	uint64_t value_at;

	if (!get32(cursor, &size))
		return (refuse(cursor, error, "it is cut short"));
	if (size == 0)
		return (0);
	if (size < NATIVE_PAIR || !skip(cursor, size - 4))
		return (refuse(cursor, error, "a pair's size is wrong"));
	memcpy(&name_size, start + 4, sizeof(name_size));
	name_size = list->swap ? bswap_16(name_size) : name_size;
	value_at = padded(NATIVE_PAIR + (uint64_t)name_size, 8);
	if (name_size == 0 || name_size > NVLIST_NAME_MAX + 1 ||
	    value_at > size)
		return (refuse(cursor, error, "bad name"));
	pair->count = load32(list, start + 8);
	type = load32(list, start + 12);
	pair->name = (const char *)start + NATIVE_PAIR;
	pair->name_length = name_size - 1u;
	if (memchr(pair->name, '\0', name_size) != pair->name + name_size - 1)
		return (refuse(cursor, error, "bad name"));
	pair->type = type <= NVLIST_DOUBLE ? (enum nvlist_type)type : 0;
	if (!count_fits(pair))
		return (refuse(cursor, error, "unknown type or odd count"));
	pair->value = start + value_at;
	pair->value_length = size - (size_t)value_at;
	if (!native_value_fits(pair))
		return (refuse(cursor, error, "bad value"));
	if (pair->type != NVLIST_NVLIST && pair->type != NVLIST_NVLIST_ARRAY)
		return (1);
	pair->value = list->bytes + cursor->at;
	for (uint32_t i = 0; i < pair->count; i++)
		if (skip_pairs(cursor, depth + 1, error) == -1)
			return (-1);
	pair->value_length = (size_t)(list->bytes + cursor->at - pair->value);
	return (1);
}

static int
next(struct cursor *cursor, struct nvpair *pair, unsigned int depth,
    struct error *error)
{
	return (cursor->list->xdr ? next_xdr(cursor, pair, depth, error) :
	    next_native(cursor, pair, depth, error));
}

/* Pairs and their end. */
static int
skip_pairs(struct cursor *cursor, unsigned int depth, struct error *error)
{
	struct nvpair pair = NVPAIR_START;
	int result;

	if (depth > NVLIST_DEPTH_MAX)
		return (refuse(cursor, error, "too many lists in lists"));
	do
		result = next(cursor, &pair, depth, error);
	while (result == 1);
	return (result);
}

static int
skip_list(struct cursor *cursor, unsigned int depth, struct error *error)
{
	uint32_t version, flags;

	if (!get32(cursor, &version) || !get32(cursor, &flags))
		return (refuse(cursor, error, "it is cut short"));
	if (version != 0)
		return (refuse(cursor, error, "unknown version"));
	return (skip_pairs(cursor, depth, error));
}

int
nvlist_parse(struct nvlist *list, const void *bytes, size_t length,
    struct error *error)
{
	const uint8_t *const header = bytes;
	struct cursor cursor = { .list = list };

	memset(list, 0, sizeof(*list));
	if (length < HEADER_SIZE || header[0] > ENCODING_XDR ||
	    header[1] > ORDER_LITTLE)
		return (refuse(&cursor, error, "unknown encoding"));
	list->bytes = header + HEADER_SIZE;
	list->length = length - HEADER_SIZE;
	list->xdr = header[0] == ENCODING_XDR;
	list->swap = (list->xdr || header[1] == ORDER_BIG) ==
	    (BYTE_ORDER == LITTLE_ENDIAN);
	if (skip_list(&cursor, 1, error) == -1)
		return (-1);
	if (left(&cursor) > 0)
		return (refuse(&cursor, error, "bytes follow its end"));
	list->bytes += VERSION_AND_FLAGS;
	list->length -= VERSION_AND_FLAGS;
	return (0);
}

bool
nvlist_next(const struct nvlist *list, struct nvpair *pair)
{
	struct cursor cursor = { .list = list, .at = pair->next };
	struct error unused;

	if (next(&cursor, pair, 1, &unused) != 1)
		return (false);
	pair->next = cursor.at;
	return (true);
}

uint64_t
nvpair_uint64(const struct nvlist *list, const struct nvpair *pair)
{
	uint64_t value;

	memcpy(&value, pair->value, sizeof(value));
	return (list->swap ? bswap_64(value) : value);
}

const char *
nvpair_string(const struct nvlist *list, const struct nvpair *pair,
    size_t *length)
{
	if (list->xdr) {
		*length = load32(list, pair->value);
		return ((const char *)pair->value + 4);
	}
	*length = strlen((const char *)pair->value);
	return ((const char *)pair->value);
}

void
nvpair_list(const struct nvlist *list, const struct nvpair *pair,
    uint32_t index, struct nvlist *nested)
{
	struct nvlist value = *list;
	struct cursor cursor = { .list = &value };
	struct error unused;
	size_t start;

	value.bytes = pair->value;
	value.length = pair->value_length;
	do {
		if (list->xdr)
			cursor.at += VERSION_AND_FLAGS;
		start = cursor.at;
		skip_pairs(&cursor, 1, &unused);
	} while (index-- > 0);
	*nested = *list;
	nested->bytes = value.bytes + start;
	nested->length = cursor.at - start;
}
