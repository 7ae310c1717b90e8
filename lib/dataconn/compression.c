#include <stdlib.h>

#include "base/zstd_library.h"
#include "dataconn/compression.h"

/* --- the sending side --- */

/* Beside the bytes: the end of an old Zstandard frame and the header of a new one. */
#define FRAMING 64u

size_t
compressor_bound(size_t size)
{
	return (ZSTD_COMPRESSBOUND(size) + FRAMING);
}

/* Go over to another level, with the end of what was compressed by the old one. */
static bool
change_level(const struct zstd_library *zstd, struct compressor *compressor,
    int level, ZSTD_outBuffer *to)
{
	ZSTD_inBuffer nothing = { "", 0, 0 };

	if (compressor->open && zstd->compress(compressor->context, to, &nothing,
	    ZSTD_e_end) != 0)
		return (false);
	compressor->open = true;
	compressor->level = level;
	return (!zstd->is_error(zstd->reset_compressor(compressor->context,
	    ZSTD_reset_session_only)) &&
	    !zstd->is_error(zstd->set_compressor(compressor->context,
	    ZSTD_c_windowLog, COMPRESSION_WINDOW_LOG)) &&
	    !zstd->is_error(zstd->set_compressor(compressor->context,
	    ZSTD_c_compressionLevel, level)));
}

size_t
compressor_run(struct compressor *compressor, int level, const uint8_t *bytes,
    size_t size, uint8_t *out)
{
	struct error ignored;
	const struct zstd_library *zstd = zstd_library(&ignored);
	ZSTD_inBuffer from = { bytes, size, 0 };
	ZSTD_outBuffer to = { out, compressor_bound(size), 0 };

	if (zstd == NULL)
		return (0);
	if (compressor->context == NULL &&
	    (compressor->context = zstd->create_compressor()) == NULL)
		return (0);
	if ((!compressor->open || compressor->level != level) &&
	    !change_level(zstd, compressor, level, &to))
		return (0);
	if (zstd->compress(compressor->context, &to, &from, ZSTD_e_flush) != 0)
		return (0);
	return (to.pos);
}

void
compressor_free(struct compressor *compressor)
{
	struct error ignored;

	if (compressor->context != NULL)
		zstd_library(&ignored)->free_compressor(compressor->context);
	compressor->context = NULL;
}

/* --- the receiving side --- */

static int
make_context(const struct zstd_library *zstd, struct decompressor *decompressor,
    struct error *error)
{
	if (decompressor->context != NULL)
		return (0);
	decompressor->out = malloc(DECOMPRESSOR_PIECE);
	decompressor->context = zstd->create_decompressor();
	if (decompressor->out == NULL || decompressor->context == NULL)
		return (error_set(error, EXIT_SYSTEM, "no memory to inflate"));
	zstd->set_decompressor(decompressor->context, ZSTD_d_windowLogMax,
	    COMPRESSION_WINDOW_LOG);
	return (0);
}

void
decompressor_begin(struct decompressor *decompressor, size_t length)
{
	decompressor->left = length;
}

void
decompressor_feed(struct decompressor *decompressor, const uint8_t *bytes,
    size_t size, bool last)
{
	decompressor->in = bytes;
	decompressor->in_length = size;
	decompressor->last = last;
}

/*
 * Where a Zstandard frame begins there must be its magic number: the library also knows
 * frames of older formats, and some that are passed over.
 */
static bool
check_magic(struct decompressor *decompressor)
{
	const uint8_t *in = decompressor->in;

	for (size_t i = 0; i < decompressor->in_length && decompressor->magic < 4; i++)
		if (in[i] != (ZSTD_MAGICNUMBER >> 8 * decompressor->magic++ & 0xff))
			return (false);
	return (true);
}

static int
corrupt(struct decompressor *decompressor, const char *fault, const char *why,
    struct error *error)
{
	decompressor->in_length = 0;
	decompressor->full = decompressor->last = false;
	return (error_set(error, EXIT_PROTOCOL, "a compressed frame %s%s", fault, why));
}

int
decompressor_next(struct decompressor *decompressor, const uint8_t **bytes,
    size_t *length, struct error *error)
{
	const struct zstd_library *zstd = zstd_library(error);
	/* Room for one byte too many, which shows that there is one. */
	const size_t room = decompressor->left < DECOMPRESSOR_PIECE ?
	    decompressor->left + 1 : DECOMPRESSOR_PIECE;
	size_t result;

	if (zstd == NULL || make_context(zstd, decompressor, error) == -1)
		return (-1);
	while (decompressor->in_length > 0 || decompressor->full) {
		ZSTD_inBuffer from = { decompressor->in, decompressor->in_length, 0 };
		ZSTD_outBuffer to = { decompressor->out, room, 0 };

		if (!check_magic(decompressor))
			return (corrupt(decompressor, "is not Zstandard", "", error));
		result = zstd->decompress(decompressor->context, &to, &from);
		if (zstd->is_error(result))
			return (corrupt(decompressor, "cannot be inflated: ",
			    zstd->error_name(result), error));
		if (from.pos == 0 && to.pos == 0 && decompressor->in_length > 0)
			return (corrupt(decompressor, "leads nowhere", "", error));
		decompressor->in += from.pos;
		decompressor->in_length -= from.pos;
		decompressor->full = to.pos == room;
		if (result == 0)
			decompressor->magic = 0;
		if (to.pos > decompressor->left)
			return (corrupt(decompressor, "inflates to more bytes than "
			    "it says", "", error));
		decompressor->left -= to.pos;
		if (to.pos > 0) {
			*bytes = decompressor->out;
			*length = to.pos;
			return (1);
		}
	}
	if (decompressor->last && decompressor->left > 0)
		return (corrupt(decompressor, "inflates to fewer bytes than it says",
		    "", error));
	decompressor->last = false;
	return (0);
}

void
decompressor_free(struct decompressor *decompressor)
{
	struct error ignored;

	if (decompressor->context != NULL)
		zstd_library(&ignored)->free_decompressor(decompressor->context);
	free(decompressor->out);
	*decompressor = (struct decompressor){ .context = NULL };
}
