#ifndef ZR_NVLIST_H
#define ZR_NVLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Reading packed nvlists (libnvpair(3)): ZFS's lists of name, type and value, in
 * resume tokens and in the BEGIN records of streams.  All encodings are read: native
 * of either byte order, and XDR.
 *
 * nvlist_parse() checks everything, nested lists included; no other function can fail
 * after that.  Nothing is copied or allocated: a list and its pairs point into the
 * caller's bytes, which must outlive them.
 *
 * This reader is stricter than libnvpair, so that an accepted list means the same to
 * both: sizes must agree exactly, names and strings contain no NUL, nothing may follow
 * the list, and a lookup does not choose between two pairs of one name.
 */
#define NVLIST_DEPTH_MAX	16	/* lists in lists */
#define NVLIST_NAME_MAX		32766	/* bytes: an int16 counts them and a NUL */

enum nvlist_type {
	NVLIST_BOOLEAN = 1,	/* present or absent, has no value */
	NVLIST_BYTE, NVLIST_INT16, NVLIST_UINT16, NVLIST_INT32, NVLIST_UINT32,
	NVLIST_INT64, NVLIST_UINT64, NVLIST_STRING, NVLIST_BYTE_ARRAY,
	NVLIST_INT16_ARRAY, NVLIST_UINT16_ARRAY, NVLIST_INT32_ARRAY,
	NVLIST_UINT32_ARRAY, NVLIST_INT64_ARRAY, NVLIST_UINT64_ARRAY,
	NVLIST_STRING_ARRAY, NVLIST_HRTIME, NVLIST_NVLIST, NVLIST_NVLIST_ARRAY,
	NVLIST_BOOLEAN_VALUE, NVLIST_INT8, NVLIST_UINT8, NVLIST_BOOLEAN_ARRAY,
	NVLIST_INT8_ARRAY, NVLIST_UINT8_ARRAY, NVLIST_DOUBLE
};

struct nvlist {
	const uint8_t *bytes;	/* the pairs, after version and flags */
	size_t length;
	bool xdr;
	bool swap;		/* not in this machine's byte order */
};

struct nvpair {
	const char *name;	/* not NUL-terminated */
	size_t name_length;
	enum nvlist_type type;
	uint32_t count;		/* elements of an array */
	const uint8_t *value;	/* as encoded */
	size_t value_length;
	size_t next;		/* private: the start of the pair after it */
};

/* Before the first pair. */
#define NVPAIR_START ((struct nvpair){ .next = 0 })

/* The result of a lookup. */
enum nvlist_found {
	NVLIST_ABSENT,
	NVLIST_FOUND,
	NVLIST_WRONG		/* the name occurs twice, or with another type */
};

/* -1 (EXIT_PROTOCOL) with the reason if the bytes are no valid nvlist. */
int	nvlist_parse(struct nvlist *list, const void *bytes, size_t length,
	    struct error *error);

/*
 * The pair after *pair, into *pair; false at the end:
 *
 *	struct nvpair pair = NVPAIR_START;
 *	while (nvlist_next(&list, &pair))
 */
bool	nvlist_next(const struct nvlist *list, struct nvpair *pair);

/* The value of a pair of this type. */
uint64_t nvpair_uint64(const struct nvlist *list, const struct nvpair *pair);
const char *nvpair_string(const struct nvlist *list, const struct nvpair *pair,
	    size_t *length);	/* not NUL-terminated */

/*
 * The list number index (below pair->count; 0 for NVLIST_NVLIST) in a pair
 * of type NVLIST_NVLIST or NVLIST_NVLIST_ARRAY.
 */
void	nvpair_list(const struct nvlist *list, const struct nvpair *pair,
	    uint32_t index, struct nvlist *nested);

/* Lookups in the list itself, not in nested ones. */
enum nvlist_found nvlist_find(const struct nvlist *list, const char *name,
	    enum nvlist_type type, struct nvpair *pair);
enum nvlist_found nvlist_find_uint64(const struct nvlist *list,
	    const char *name, uint64_t *value);
enum nvlist_found nvlist_find_boolean(const struct nvlist *list,
	    const char *name);

#endif
