#ifndef ZR_LIBRARY_H
#define ZR_LIBRARY_H

#include <stdbool.h>

/*
 * Store at function, a pointer to a function, the one that a library of dlopen(3) has by
 * this name; false if it has none.
 */
bool	library_find(void *library, const char *name, void *function);

#endif
