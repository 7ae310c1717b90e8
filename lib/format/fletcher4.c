#include <byteswap.h>
#include <string.h>

#include "format/fletcher4.h"

/* Whole words.  The four sums are local variables, so that they stay in registers. */
static void
add_words(struct fletcher4 *sum, const uint8_t *bytes, size_t count)
{
	uint64_t a = sum->words[0], b = sum->words[1];
	uint64_t c = sum->words[2], d = sum->words[3];
	const bool swap = sum->swap;
	uint32_t word;

	for (size_t i = 0; i < count; i++) {
		memcpy(&word, bytes + 4 * i, sizeof(word));
		a += swap ? bswap_32(word) : word;
		b += a;
		c += b;
		d += c;
	}
	sum->words[0] = a;
	sum->words[1] = b;
	sum->words[2] = c;
	sum->words[3] = d;
}

void
fletcher4_update(struct fletcher4 *sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	while (sum->have > 0 && length > 0) {
		sum->partial[sum->have++] = *at++;
		length--;
		if (sum->have == 4) {
			add_words(sum, sum->partial, 1);
			sum->have = 0;
		}
	}
	add_words(sum, at, length / 4);
	at += length / 4 * 4;
	length %= 4;
	if (length > 0) {
		memcpy(sum->partial, at, length);
		sum->have = length;
	}
}
