#ifndef ZR_FLETCHER4_H
#define ZR_FLETCHER4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The fletcher4 checksum of ZFS: four 64-bit sums over 32-bit words in the byte order
 * of the machine that wrote them.  Bytes may come in any pieces.  Start with all zero,
 * and with `swap` set if the words are not in our own byte order.
 */
struct fletcher4 {
	uint64_t words[4];
	uint8_t partial[4];	/* bytes of a word that is not complete yet */
	size_t have;
	bool swap;
};

void	fletcher4_update(struct fletcher4 *sum, const void *bytes, size_t length);

#endif
