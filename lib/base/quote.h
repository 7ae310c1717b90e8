#ifndef ZR_QUOTE_H
#define ZR_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Print text of a peer in double quotes, on one line, vis(3)-encoded so that no
 * control character reaches a terminal.
 */
void	quote(FILE *out, const void *text, size_t length);

#endif
