#include <dlfcn.h>
#include <string.h>

#include "base/library.h"

/* POSIX lets dlsym() return functions; C has no cast for that. */
bool
library_find(void *library, const char *name, void *function)
{
	void *const found = dlsym(library, name);

	memcpy(function, &found, sizeof(found));
	return (found != NULL);
}
