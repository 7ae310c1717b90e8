#ifndef ZR_IDENTITY_H
#define ZR_IDENTITY_H

#include <stdbool.h>

/*
 * A client identity (zr-protocol(7), Transport): one component of a dataset
 * path, 1 to IDENTITY_MAX bytes of [0-9A-Za-z-_.: ], not "." or "..".
 */
#define IDENTITY_MAX 255
#define IDENTITY_RULE "1 to 255 of 0-9 A-Z a-z - _ . : and blank, not . or .."

bool	identity_valid(const char *identity);

#endif
