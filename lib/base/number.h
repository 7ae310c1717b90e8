#ifndef ZR_NUMBER_H
#define ZR_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The number in text from outside: an operand, an environment variable, a file,
 * another program.  Only digits of the base (8 or 10) are accepted: no sign, no
 * blank, no prefix.  For any other text, and for a number outside the range least to
 * most, returns false and sets *number to 0.  Pure.
 */
bool	number_parse(uint64_t *number, const char *text, unsigned int base,
	    uint64_t least, uint64_t most);

/* A descriptor's number, least to NUMBER_FD_MAX; -1 for any other text. */
#define NUMBER_FD_MAX 65535
int	number_parse_fd(const char *text, int least);

#endif
