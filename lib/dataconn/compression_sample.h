#ifndef ZR_COMPRESSION_SAMPLE_H
#define ZR_COMPRESSION_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A guess at whether bytes will shrink, for a thousandth of what it costs to find out: how
 * many pairs of COMPRESSION_SAMPLE bytes of a piece are of two equal bytes.  Pure.
 */
#define COMPRESSION_SAMPLE		256u	/* bytes that are looked at */

/*
 * What to expect if each byte were one of 128 at random: from here on a piece may shrink by
 * an eighth.  Random bytes have half as many pairs, 128, give or take 11.
 */
#define COMPRESSION_SAMPLE_PROMISING	255u

/* bytes has at least COMPRESSION_SAMPLE bytes.  At most 32640. */
unsigned compression_sample(const uint8_t *bytes, size_t size);

#endif
