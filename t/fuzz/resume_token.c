/*
 * Feeds a resume token, and the same bytes as the data of a token whose
 * checksum is right, so that the fuzzer gets behind it.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "fletcher4.h"
#include "resume_token.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t compressed[16384];
	static char text[2 * sizeof(compressed) + 64];
	struct fletcher4 sum = { .swap = false };
	struct resume_token token;
	struct error error;
	uLongf length = sizeof(compressed);
	int at;

	if (size >= 8192)
		return (0);
	memcpy(text, data, size);
	text[size] = '\0';
	resume_token_decode(&token, text, &error);

	if (compress2(compressed, &length, data, size, 0) != Z_OK)
		abort();
	fletcher4_update(&sum, compressed, length);
	at = snprintf(text, sizeof(text), "1-%" PRIx64 "-%zx-", sum.words[0],
	    size);
	for (size_t i = 0; i < length; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x",
		    compressed[i]);
	resume_token_decode(&token, text, &error);
	return (0);
}
