#include "dataconn/compression_sample.h"

/* Bytes in a row, so that few cache lines are touched. */
#define RUN	16u
#define RUNS	(COMPRESSION_SAMPLE / RUN)

unsigned
compression_sample(const uint8_t *bytes, size_t size)
{
	/* Odd: a table's columns take turns. */
	const size_t stride = size / RUNS - (size / RUNS > RUN && size / RUNS % 2 == 0);
	uint8_t seen[256] = { 0 };
	unsigned pairs = 0;

	for (size_t run = 0; run < RUNS; run++, bytes += stride)
		for (size_t i = 0; i < RUN; i++)
			pairs += seen[bytes[i]]++;
	return (pairs);
}
