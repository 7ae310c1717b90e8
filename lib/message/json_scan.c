#include <ctype.h>
#include <string.h>

#include "base/utf8.h"
#include "message/json_scan.h"

void
json_scan_init(struct json_scan *scan, const char *text, size_t length)
{
	*scan = (struct json_scan){ .start = text, .at = text,
	    .end = text + length };
}

static int
refuse(struct json_scan *scan, struct error *error, const char *what)
{
	scan->broken = true;
	return (error_set(error, EXIT_USAGE, "byte %zu: %s",
	    (size_t)(scan->at - scan->start) + 1, what));
}

static bool
is_digit(const struct json_scan *scan)
{
	return (scan->at < scan->end && isdigit((unsigned char)*scan->at));
}

/* The next byte that is not white space; '\0' at the end. */
static char
first(struct json_scan *scan)
{
	while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4) != NULL)
		scan->at++;
	return (scan->at < scan->end ? *scan->at : '\0');
}

static bool
take(struct json_scan *scan, char byte)
{
	if (first(scan) != byte || scan->at == scan->end)
		return (false);
	scan->at++;
	return (true);
}

char
json_scan_peek(struct json_scan *scan)
{
	const char byte = first(scan);

	if (byte == '-' || isdigit((unsigned char)byte))
		return ('0');
	return (byte != '\0' && strchr("{[\"tfn", byte) != NULL ? byte : '\0');
}

int
json_scan_enter(struct json_scan *scan, char bracket, struct error *error)
{
	if (!take(scan, bracket))
		return (refuse(scan, error, bracket == '{' ?
		    "an object is expected" : "an array is expected"));
	if (++scan->depth > JSON_DEPTH_MAX)
		return (refuse(scan, error, "nested too deeply"));
	scan->fresh = true;
	return (0);
}

/* Another member, or the end of the object or array? */
static int
next_member(struct json_scan *scan, char bracket, struct error *error)
{
	if (take(scan, bracket)) {
		scan->depth--;
		scan->fresh = false;
		return (0);
	}
	if (!scan->fresh && !take(scan, ','))
		return (refuse(scan, error, bracket == '}' ?
		    "a comma or the end of the object is expected" :
		    "a comma or the end of the array is expected"));
	scan->fresh = false;
	return (1);
}

int
json_scan_key(struct json_scan *scan, struct json_slice *key,
    struct error *error)
{
	const int more = next_member(scan, '}', error);

	if (more != 1)
		return (more);
	if (json_scan_string(scan, key, error) == -1)
		return (-1);
	if (!take(scan, ':'))
		return (refuse(scan, error, "a colon is expected"));
	return (1);
}

int
json_scan_element(struct json_scan *scan, struct error *error)
{
	return (next_member(scan, ']', error));
}

/* The value of four hexadecimal digits; -1 if they are not. */
static long
hexadecimal(const char *text, const char *end)
{
	long value = 0;

	if (end - text < 4)
		return (-1);
	for (int i = 0; i < 4; i++) {
		const unsigned char byte = (unsigned char)text[i];

		if (!isxdigit(byte))
			return (-1);
		value = value * 16 + (isdigit(byte) ? byte - '0' :
		    tolower(byte) - 'a' + 10);
	}
	return (value);
}

/* The code point of "\uXXXX" or of a pair of them, and its length; -1: none. */
static long
unicode_escape(const char *text, const char *end, size_t *length)
{
	long high = hexadecimal(text + 2, end), low;

	*length = 6;
	if (high < 0xd800 || high > 0xdfff)
		return (high);
	if (high > 0xdbff || end - text < 12 || text[6] != '\\' || text[7] != 'u')
		return (-1);
	low = hexadecimal(text + 8, end);
	if (low < 0xdc00 || low > 0xdfff)
		return (-1);
	*length = 12;
	return (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
}

int
json_scan_string(struct json_scan *scan, struct json_slice *string,
    struct error *error)
{
	size_t width;

	if (!take(scan, '"'))
		return (refuse(scan, error, "a string is expected"));
	string->text = scan->at;
	for (; scan->at < scan->end && *scan->at != '"'; scan->at += width) {
		width = utf8_sequence(scan->at, (size_t)(scan->end - scan->at));
		if (width == 0)
			return (refuse(scan, error, "not UTF-8"));
		if ((unsigned char)*scan->at < 0x20)
			return (refuse(scan, error,
			    "a control character in a string"));
		if (*scan->at != '\\')
			continue;
		width = 2;
		if (scan->end - scan->at < 2 || scan->at[1] == '\0' ||
		    strchr("\"\\/bfnrtu", scan->at[1]) == NULL ||
		    (scan->at[1] == 'u' &&
		    unicode_escape(scan->at, scan->end, &width) == -1))
			return (refuse(scan, error, "not an escape"));
	}
	if (scan->at == scan->end)
		return (refuse(scan, error, "a string without an end"));
	string->length = (size_t)(scan->at++ - string->text);
	return (0);
}

static bool
skip_digits(struct json_scan *scan)
{
	const char *begin = scan->at;

	while (is_digit(scan))
		scan->at++;
	return (scan->at > begin);
}

int
json_scan_number(struct json_scan *scan, struct json_slice *number,
    struct error *error)
{
	bool good;

	first(scan);
	number->text = scan->at;
	if (scan->at < scan->end && *scan->at == '-')
		scan->at++;
	if (scan->at < scan->end && *scan->at == '0') {
		scan->at++;
		good = !is_digit(scan);
	} else
		good = skip_digits(scan);
	if (good && scan->at < scan->end && *scan->at == '.') {
		scan->at++;
		good = skip_digits(scan);
	}
	if (good && scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
		scan->at++;
		if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
			scan->at++;
		good = skip_digits(scan);
	}
	if (!good)
		return (refuse(scan, error, "not a number"));
	number->length = (size_t)(scan->at - number->text);
	return (0);
}

int
json_scan_word(struct json_scan *scan, struct error *error)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t length;

	first(scan);
	for (size_t i = 0; i < 3; i++) {
		length = strlen(words[i]);
		if ((size_t)(scan->end - scan->at) < length ||
		    memcmp(scan->at, words[i], length) != 0)
			continue;
		scan->at += length;
		return (0);
	}
	return (refuse(scan, error, "a value is expected"));
}

/* Recurses no deeper than JSON_DEPTH_MAX. */
static int
skip_members(struct json_scan *scan, char bracket, struct error *error)
{
	struct json_slice key;
	int more;

	if (json_scan_enter(scan, bracket, error) == -1)
		return (-1);
	while ((more = bracket == '{' ? json_scan_key(scan, &key, error) :
	    json_scan_element(scan, error)) == 1)
		if (json_scan_skip(scan, NULL, error) == -1)
			return (-1);
	return (more);
}

int
json_scan_skip(struct json_scan *scan, struct json_slice *slice,
    struct error *error)
{
	const char byte = json_scan_peek(scan), *begin = scan->at;
	struct json_slice ignored;
	int result;

	if (byte == '{' || byte == '[')
		result = skip_members(scan, byte, error);
	else if (byte == '"')
		result = json_scan_string(scan, &ignored, error);
	else if (byte == '0')
		result = json_scan_number(scan, &ignored, error);
	else
		result = json_scan_word(scan, error);
	if (slice != NULL)
		*slice = (struct json_slice){ begin, (size_t)(scan->at - begin) };
	return (result);
}

int
json_scan_end(struct json_scan *scan, struct error *error)
{
	first(scan);
	return (scan->at == scan->end ? 0 :
	    refuse(scan, error, "more text behind the value"));
}

/* The character that an escape of one letter stands for. */
static char
unescape(char letter)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *found = strchr(letters, letter);

	return (found != NULL ? meant[found - letters] : letter);
}

static size_t
put_utf8(char *out, long point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return (1);
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return (2);
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return (3);
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return (4);
}

size_t
json_slice_decode(char *out, const struct json_slice *string)
{
	const char *at = string->text, *end = at + string->length, *escape;
	size_t used = 0, length;

	while (at < end) {
		escape = memchr(at, '\\', (size_t)(end - at));
		length = (size_t)((escape != NULL ? escape : end) - at);
		memcpy(out + used, at, length);
		used += length;
		at += length;
		if (escape == NULL)
			break;
		length = 2;
		if (at[1] == 'u')
			used += put_utf8(out + used,
			    unicode_escape(at, end, &length));
		else
			out[used++] = unescape(at[1]);
		at += length;
	}
	out[used] = '\0';
	return (used);
}

bool
json_slice_copy(char *out, size_t size, const struct json_slice *string)
{
	return (string->length < size &&
	    json_slice_decode(out, string) == strlen(out));
}

bool
json_slice_uint64(uint64_t *value, const struct json_slice *number)
{
	*value = 0;
	for (size_t i = 0; i < number->length; i++) {
		const unsigned char byte = (unsigned char)number->text[i];

		if (!isdigit(byte) || __builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, byte - '0', value))
			return (false);
	}
	return (number->length > 0);
}
