#include <vis.h>

#include "base/quote.h"

void
quote(FILE *out, const void *text, size_t length)
{
	const unsigned char *byte = text;
	char encoded[8];

	putc('"', out);
	for (size_t i = 0; i < length; i++) {
		vis(encoded, byte[i], VIS_CSTYLE | VIS_NL | VIS_TAB | VIS_OCTAL |
		    VIS_DQ, i + 1 < length ? byte[i + 1] : 0);
		fputs(encoded, out);
	}
	putc('"', out);
}
