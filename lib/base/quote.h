#ifndef ZR_QUOTE_H
#define ZR_QUOTE_H

#include <stddef.h>
#include <stdio.h>

struct buffer;

/*
 * Print text of a peer in double quotes, on one line, vis(3)-encoded so that no
 * control character reaches a terminal.
 */
void	quote(FILE *out, const void *text, size_t length);

/*
 * Copy text to out as one line: well-formed UTF-8 stays as it is, whatever could harm
 * a terminal or begin another line is vis(3)-encoded.  Ends out, which has room for
 * size bytes, with NUL, and cuts the text where the next character does not fit.
 * Returns the length.
 */
size_t	quote_line(char *out, size_t size, const char *text, size_t length);

/*
 * Append such a line, without a newline, of formatted text, of which at most
 * QUOTE_TEXT_MAX - 1 bytes count.  -1 with errno: no room (buffer.h).
 */
#define QUOTE_TEXT_MAX 8192

int	quote_append(struct buffer *out, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
