#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "base/zstd_library.h"

#ifndef ZR_LIBZSTD
#define TEXT_OF(word)	#word
#define TEXT(word)	TEXT_OF(word)
#define ZR_LIBZSTD	"libzstd.so." TEXT(ZSTD_VERSION_MAJOR)
#endif

static struct zstd_library functions;

/* POSIX lets dlsym() return functions; C has no cast for that. */
static bool
find(void *library, const char *name, void *function)
{
	void *found = dlsym(library, name);

	memcpy(function, &found, sizeof(found));
	return (found != NULL);
}

const struct zstd_library *
zstd_library(struct error *error)
{
	static bool loaded;
	void *library;

	if (loaded)
		return (&functions);
	library = dlopen(ZR_LIBZSTD, RTLD_LAZY | RTLD_LOCAL);
	loaded = library != NULL &&
	    find(library, "ZSTD_isError", &functions.is_error) &&
	    find(library, "ZSTD_getErrorName", &functions.error_name) &&
	    find(library, "ZSTD_createCCtx", &functions.create_compressor) &&
	    find(library, "ZSTD_freeCCtx", &functions.free_compressor) &&
	    find(library, "ZSTD_CCtx_setParameter", &functions.set_compressor) &&
	    find(library, "ZSTD_CCtx_reset", &functions.reset_compressor) &&
	    find(library, "ZSTD_compressStream2", &functions.compress) &&
	    find(library, "ZSTD_createDCtx", &functions.create_decompressor) &&
	    find(library, "ZSTD_freeDCtx", &functions.free_decompressor) &&
	    find(library, "ZSTD_DCtx_setParameter", &functions.set_decompressor) &&
	    find(library, "ZSTD_decompressStream", &functions.decompress);
	if (loaded)
		return (&functions);
	error_set(error, EXIT_SYSTEM, "no compression without libzstd: %s",
	    dlerror());
	return (NULL);
}
