#ifndef ZR_UTF8_H
#define ZR_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UTF-8 of RFC 3629: no overlong forms, no surrogates, no code point above U+10FFFF.
 */

/* Length (1..4) of the well-formed sequence at text, or 0. */
size_t	utf8_sequence(const char *text, size_t length);

/* The code point of a well-formed sequence of width bytes. */
uint32_t utf8_point(const char *text, size_t width);

/*
 * Is the well-formed sequence at text a character that could control a terminal
 * or deceive a reader: a control character (C0, DEL, C1), a separator of lines or
 * paragraphs (U+2028, U+2029), or a control of the writing direction (U+061C, U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069)?
 */
bool	utf8_control(const char *text);

bool	utf8_valid(const char *text, size_t length);

/*
 * Copy text to out; each NUL, and each byte outside a well-formed sequence, becomes
 * '?'.  out has room for length + 1 bytes and may be text itself.  Always ends out
 * with NUL; the length does not change.
 */
void	utf8_sanitize(char *out, const char *text, size_t length);

#endif
