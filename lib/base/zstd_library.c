#include <dlfcn.h>
#include <stdbool.h>

#include "base/library.h"
#include "base/zstd_library.h"

#ifndef ZR_LIBZSTD
#define TEXT_OF(word)	#word
#define TEXT(word)	TEXT_OF(word)
#define ZR_LIBZSTD	"libzstd.so." TEXT(ZSTD_VERSION_MAJOR)
#endif

static struct zstd_library functions;

const struct zstd_library *
zstd_library(struct error *error)
{
	static bool loaded;
	void *library;

	if (loaded)
		return (&functions);
	library = dlopen(ZR_LIBZSTD, RTLD_LAZY | RTLD_LOCAL);
	loaded = library != NULL &&
	    library_find(library, "ZSTD_isError", &functions.is_error) &&
	    library_find(library, "ZSTD_getErrorName", &functions.error_name) &&
	    library_find(library, "ZSTD_createCCtx", &functions.create_compressor) &&
	    library_find(library, "ZSTD_freeCCtx", &functions.free_compressor) &&
	    library_find(library, "ZSTD_CCtx_setParameter", &functions.set_compressor) &&
	    library_find(library, "ZSTD_CCtx_reset", &functions.reset_compressor) &&
	    library_find(library, "ZSTD_compressStream2", &functions.compress) &&
	    library_find(library, "ZSTD_createDCtx", &functions.create_decompressor) &&
	    library_find(library, "ZSTD_freeDCtx", &functions.free_decompressor) &&
	    library_find(library, "ZSTD_DCtx_setParameter", &functions.set_decompressor) &&
	    library_find(library, "ZSTD_decompressStream", &functions.decompress);
	if (loaded)
		return (&functions);
	error_set(error, EXIT_SYSTEM, "no compression without libzstd: %s",
	    dlerror());
	return (NULL);
}
