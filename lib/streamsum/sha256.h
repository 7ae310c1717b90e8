#ifndef ZR_SHA256_H
#define ZR_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256 of OpenSSL, whose library is loaded when the first sum begins: loading takes a
 * millisecond, and most calls of zr-endpoint, which take a few, need no digest.
 *
 * Start with all zero.
 */
#define SHA256_SIZE 32	/* bytes of a sum */

struct sha256 {
	void *context;		/* NULL: none has begun */
	bool failed;		/* some call has; sums are not valid */
};

void	sha256_begin(struct sha256 *sha256);
void	sha256_add(struct sha256 *sha256, const void *bytes, size_t length);
void	sha256_end(struct sha256 *sha256, uint8_t sum[SHA256_SIZE]);
void	sha256_free(struct sha256 *sha256);

#endif
