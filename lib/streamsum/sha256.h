#ifndef ZR_SHA256_H
#define ZR_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256 of OpenSSL, whose library is loaded once there is much to sum: loading takes a
 * millisecond or two, longer than libmd needs for a small stream.
 *
 * Start with all zero.
 */
#define SHA256_SIZE 32	/* bytes of a sum */

struct sha256 {
	void *context;		/* of OpenSSL; NULL: none has begun */
	uint8_t *early;		/* not NULL: what has come of this sum, not summed yet */
	size_t early_length;
	bool failed;		/* some call has; sums are not valid */
};

void	sha256_begin(struct sha256 *sha256);
void	sha256_add(struct sha256 *sha256, const void *bytes, size_t length);
void	sha256_end(struct sha256 *sha256, uint8_t sum[SHA256_SIZE]);
void	sha256_free(struct sha256 *sha256);

#endif
