#ifndef ZR_ZSTD_LIBRARY_H
#define ZR_ZSTD_LIBRARY_H

#include <zstd.h>

#include "base/error.h"

/*
 * libzstd, loaded when it is first asked for: few connections compress, and all would
 * wait for ld.so.  The functions are those of its manual, less the prefix.
 */
struct zstd_library {
	unsigned (*is_error)(size_t code);
	const char *(*error_name)(size_t code);

	ZSTD_CCtx *(*create_compressor)(void);
	size_t (*free_compressor)(ZSTD_CCtx *context);
	size_t (*set_compressor)(ZSTD_CCtx *context, ZSTD_cParameter parameter,
	    int value);
	size_t (*reset_compressor)(ZSTD_CCtx *context, ZSTD_ResetDirective what);
	size_t (*compress)(ZSTD_CCtx *context, ZSTD_outBuffer *out,
	    ZSTD_inBuffer *in, ZSTD_EndDirective end);

	ZSTD_DCtx *(*create_decompressor)(void);
	size_t (*free_decompressor)(ZSTD_DCtx *context);
	size_t (*set_decompressor)(ZSTD_DCtx *context, ZSTD_dParameter parameter,
	    int value);
	size_t (*decompress)(ZSTD_DCtx *context, ZSTD_outBuffer *out,
	    ZSTD_inBuffer *in);
};

/* NULL and *error (EXIT_SYSTEM) if it cannot be loaded. */
const struct zstd_library *zstd_library(struct error *error);

#endif
