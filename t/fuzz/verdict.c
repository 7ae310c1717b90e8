/* Feeds a verdict's line in pieces of the first byte's size, then its end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "endpoint/verdict.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct verdict *verdict, const char *text, size_t size)
{
	const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
	const bool good = newline == text + 1 && text[0] == '0';
	size_t length, width;

	if (verdict->state == VERDICT_PENDING ||
	    (verdict->state == VERDICT_COMPLETE) != good)
		abort();
	if (good)
		return;
	length = strnlen(verdict->text, sizeof(verdict->text));
	if (length < 2 || length > VERDICT_TEXT_MAX ||
	    strchr(verdict->text, '\n') != NULL)
		abort();
	for (size_t i = 0; i < length; i += width) {
		width = utf8_sequence(verdict->text + i, length - i);
		if (width == 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verdict verdict;
	const char *text = (const char *)data + 1;
	size_t piece, take;

	if (size < 1)
		return (0);
	memset(&verdict, 0xa5, sizeof(verdict));
	verdict.fd = -1;
	verdict.state = VERDICT_PENDING;
	verdict.length = 0;
	piece = (size_t)data[0] * 16 + 1;
	size--;
	for (size_t at = 0; at < size && verdict.state == VERDICT_PENDING; at += take) {
		take = size - at < piece ? size - at : piece;
		verdict_feed(&verdict, text + at, take);
	}
	if (verdict.state == VERDICT_PENDING)
		verdict_feed(&verdict, "", 0);
	check(&verdict, text, size);
	return (0);
}
