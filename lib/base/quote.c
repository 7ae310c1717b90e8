#include <stdarg.h>
#include <string.h>
#include <vis.h>

#include "base/buffer.h"
#include "base/quote.h"
#include "base/utf8.h"

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

size_t
quote_line(char *out, size_t size, const char *text, size_t length)
{
	char encoded[8];
	size_t used = 0, n, width;

	for (size_t i = 0; i < length; i += width) {
		const unsigned char byte = (unsigned char)text[i];

		width = byte < 0x80 ? 1 : utf8_sequence(text + i, length - i);
		if (width > 1 && !utf8_control(text + i)) {
			n = width;
			memcpy(encoded, text + i, n);
		} else {
			width = 1;
			vis(encoded, byte, VIS_CSTYLE | VIS_TAB | VIS_NL | VIS_OCTAL |
			    VIS_NOSLASH, i + 1 < length ? text[i + 1] : 0);
			n = strlen(encoded);
		}
		if (used + n >= size)
			break;
		memcpy(out + used, encoded, n);
		used += n;
	}
	out[used] = '\0';
	return (used);
}

int
quote_append(struct buffer *out, const char *format, ...)
{
	char text[QUOTE_TEXT_MAX], encoded[4 * sizeof(text)];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	length = quote_line(encoded, sizeof(encoded), text, strlen(text));
	return (buffer_append(out, encoded, length));
}
