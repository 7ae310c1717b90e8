#ifndef ZR_UTF8_H
#define ZR_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */

/* Length (1..4) of the well-formed sequence at text, 0 if there is none. */
size_t	utf8_sequence(const char *text, size_t length);

/* The code point of a well-formed sequence of width bytes. */
uint32_t utf8_point(const char *text, size_t width);

/*
 * Is the well-formed sequence at text a character that could steer a terminal
 * or deceive whoever reads it: a control character (C0, DEL, C1), a separator
 * of lines or paragraphs (U+2028, U+2029), or a control of the direction of
 * writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069)?
 */
bool	utf8_control(const char *text);

bool	utf8_valid(const char *text, size_t length);

/*
 * Copy text to out, each byte that is not part of a well-formed sequence
 * (and each NUL) becoming '?'.  out has room for length + 1 bytes; it may be
 * text itself.  Always ends out with NUL; the length does not change.
 */
void	utf8_sanitize(char *out, const char *text, size_t length);

#endif
