#ifndef ZR_QUOTE_H
#define ZR_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Print text that a peer wrote: in double quotes, on one line, vis(3)-encoded
 * so that nothing in it reaches a terminal as it is.
 */
void	quote(FILE *out, const void *text, size_t length);

#endif
