/*
 * Feeds a resume token, and the same bytes as the data of a token whose
 * checksum is right, so that the fuzzer gets behind it.  A token that is read
 * is written, and must mean the same when it is read again.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "format/fletcher4.h"
#include "format/resume_token.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a zlib stream of one stored block, which costs no compressor. */
static size_t
store(uint8_t *to, const uint8_t *data, size_t size)
{
	const uint8_t start[] = { 0x78, 0x01, 0x01, size & 0xff, size >> 8 & 0xff,
	    ~size & 0xff, ~size >> 8 & 0xff };
	const uLong sum = adler32(adler32(0, NULL, 0), data, (uInt)size);
	size_t at = sizeof(start);

	memcpy(to, start, sizeof(start));
	memcpy(to + at, data, size);
	at += size;
	for (int shift = 24; shift >= 0; shift -= 8)
		to[at++] = (uint8_t)(sum >> shift);
	return (at);
}

static void
check_again(struct resume_token *token)
{
	struct resume_token again;
	struct error error;
	char *const text = resume_token_encode(token, &error);

	/* These are not written. */
	token->flags &= ~(unsigned)(RESUME_TOKEN_SAVED | RESUME_TOKEN_REDACTED);
	if (text == NULL || resume_token_decode(&again, text, &error) == -1 ||
	    memcmp(&again, token, sizeof(again)) != 0)
		abort();
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	static uint8_t compressed[8192 + 16];
	static char text[2 * sizeof(compressed) + 64];
	struct fletcher4 sum = { .swap = false };
	struct resume_token token;
	struct error error;
	size_t length;
	int at;

	if (size >= 8192)
		return (0);
	memcpy(text, data, size);
	text[size] = '\0';
	resume_token_decode(&token, text, &error);

	length = store(compressed, data, size);
	fletcher4_update(&sum, compressed, length);
	at = snprintf(text, sizeof(text), "1-%" PRIx64 "-%zx-", sum.words[0],
	    size);
	for (size_t i = 0; i < length; i++) {
		text[at++] = digits[compressed[i] >> 4];
		text[at++] = digits[compressed[i] & 15];
	}
	text[at] = '\0';
	if (resume_token_decode(&token, text, &error) == 0)
		check_again(&token);
	else if (strstr(error.text, "checksum") != NULL)
		abort();
	return (0);
}
