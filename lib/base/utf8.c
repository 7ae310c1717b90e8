#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

size_t
utf8_sequence(const char *text, size_t length)
{
	const uint8_t *byte = (const uint8_t *)text;
	uint32_t point, least;
	size_t width, i;

	if (length == 0)
		return (0);
	if (byte[0] < 0x80)
		return (1);
	if (byte[0] >= 0xc2 && byte[0] <= 0xdf) {
		width = 2;
		least = 0x80;
		point = byte[0] & 0x1f;
	} else if ((byte[0] & 0xf0) == 0xe0) {
		width = 3;
		least = 0x800;
		point = byte[0] & 0x0f;
	} else if (byte[0] >= 0xf0 && byte[0] <= 0xf4) {
		width = 4;
		least = 0x10000;
		point = byte[0] & 0x07;
	} else
		return (0);
	if (length < width)
		return (0);
	for (i = 1; i < width; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return (0);
		point = point << 6 | (byte[i] & 0x3f);
	}
	if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return (0);
	return (width);
}

uint32_t
utf8_point(const char *text, size_t width)
{
	static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t point = (uint8_t)text[0] & masks[width];

	for (size_t i = 1; i < width; i++)
		point = point << 6 | ((uint8_t)text[i] & 0x3f);
	return (point);
}

bool
utf8_control(const char *text)
{
	const uint8_t *byte = (const uint8_t *)text;
	uint32_t point;

	if (byte[0] < 0x80)
		return (byte[0] < 0x20 || byte[0] == 0x7f);
	if (byte[0] != 0xc2 && byte[0] != 0xd8 && byte[0] != 0xe2)
		return (false);
	point = utf8_point(text, byte[0] == 0xe2 ? 3 : 2);
	return (point < 0xa0 || point == 0x61c || point == 0x200e ||
	    point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
	    (point >= 0x2066 && point <= 0x2069));
}

bool
utf8_valid(const char *text, size_t length)
{
	size_t i, width;

	for (i = 0; i < length; i += width)
		if ((width = utf8_sequence(text + i, length - i)) == 0)
			return (false);
	return (true);
}

void
utf8_sanitize(char *out, const char *text, size_t length)
{
	size_t i, width;

	for (i = 0; i < length; i += width) {
		width = utf8_sequence(text + i, length - i);
		if (width == 0 || text[i] == '\0') {
			out[i] = '?';
			width = 1;
		} else
			memmove(out + i, text + i, width);
	}
	out[length] = '\0';
}
