#ifndef ZR_ITEMS_H
#define ZR_ITEMS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/zstream.h"

/* SHA-256 over items (stream_digest.h). */
struct items {
	EVP_MD_CTX *context;
	bool failed;		/* OpenSSL did, at some point */
};

#define ITEMS_SUM_SIZE 32

int	items_init(struct items *items);	/* -1: out of memory */
void	items_begin(struct items *items);
void	items_add(struct items *items, const void *bytes, size_t length);
void	items_field(struct items *items, uint64_t value);

/* The end of an item, of which length bytes were not fields. */
void	items_end(struct items *items, char letter, uint64_t length);

/* Fields of the stream's record: 1, 4 or 8 bytes are a number, others bytes. */
struct items_field {
	size_t offset, size;
};

#define ITEMS_FIELDS(items, stream, fields)					\
	items_fields((items), (stream), (fields), sizeof(fields) / sizeof((fields)[0]))

void	items_fields(struct items *items, const struct zstream *stream,
	    const struct items_field *fields, size_t count);

void	items_sum(struct items *items, uint8_t sum[ITEMS_SUM_SIZE]);
void	items_free(struct items *items);

#endif
