#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "message/json_text.h"

int
json_text_raw(struct buffer *out, const char *text)
{
	return (buffer_append(out, text, strlen(text)));
}

/* An ASCII character, or one of U+0080 to U+FFFF: no control is above. */
static int
append_escaped(struct buffer *out, const char *text, size_t width)
{
	static const char letters[] = "\"\\bfnrt", meant[] = "\"\\\b\f\n\r\t";
	const char *found = width == 1 && *text != '\0' ?
	    strchr(meant, *text) : NULL;
	char escape[8];

	if (found != NULL)
		snprintf(escape, sizeof(escape), "\\%c", letters[found - meant]);
	else
		snprintf(escape, sizeof(escape), "\\u%04X",
		    (unsigned int)utf8_point(text, width));
	return (json_text_raw(out, escape));
}

int
json_text_string(struct buffer *out, const char *text, size_t length)
{
	size_t plain = 0, width;

	if (json_text_raw(out, "\"") == -1)
		return (-1);
	for (size_t i = 0; i < length; i += width) {
		width = utf8_sequence(text + i, length - i);
		if (width == 0) {
			errno = EILSEQ;
			return (-1);
		}
		if (text[i] != '"' && text[i] != '\\' && !utf8_control(text + i))
			continue;
		if (buffer_append(out, text + plain, i - plain) == -1 ||
		    append_escaped(out, text + i, width) == -1)
			return (-1);
		plain = i + width;
	}
	if (buffer_append(out, text + plain, length - plain) == -1)
		return (-1);
	return (json_text_raw(out, "\""));
}

int
json_text_uint64(struct buffer *out, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "\"%" PRIu64 "\"", value);
	return (json_text_raw(out, text));
}

int
json_text_integer(struct buffer *out, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return (json_text_raw(out, text));
}

static int
begin_member(struct buffer *out, const char *key)
{
	return (json_text_raw(out, buffer_length(out) == 0 ? "{" : ",") == -1 ||
	    json_text_string(out, key, strlen(key)) == -1 ? -1 :
	    json_text_raw(out, ":"));
}

int
json_text_member(struct buffer *out, const char *key, const char *text)
{
	if (text == NULL)
		return (0);
	return (begin_member(out, key) == -1 ? -1 :
	    json_text_string(out, text, strlen(text)));
}

int
json_text_raw_member(struct buffer *out, const char *key, const char *json)
{
	return (begin_member(out, key) == -1 ? -1 : json_text_raw(out, json));
}

int
json_text_uint64_member(struct buffer *out, const char *key, uint64_t value)
{
	return (begin_member(out, key) == -1 ? -1 : json_text_uint64(out, value));
}

int
json_text_integer_member(struct buffer *out, const char *key, int64_t value)
{
	return (begin_member(out, key) == -1 ? -1 : json_text_integer(out, value));
}
