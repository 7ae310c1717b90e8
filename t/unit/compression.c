/* Compressed frames: what goes in comes out, and what a hostile peer may try. */
#include <stdbool.h>

#include "base/zstd_library.h"
#include "dataconn/compression.h"
#include "dataconn/compression_sample.h"
#include "unit.h"

#define SIZE	(3u << 20)
#define PIECE	(128u << 10)

static uint8_t plain[SIZE], inflated[SIZE], packed[2 * PIECE];
static struct error error;
static unsigned seed = 1;

static unsigned
chance(unsigned most)
{
	seed = seed * 1103515245 + 12345;
	return ((seed >> 8) % most);
}

/* Text with noise in it: half of it shrinks. */
static void
make_plain(void)
{
	for (size_t i = 0; i < SIZE; i++)
		plain[i] = i / 4096 % 3 == 0 ? (uint8_t)chance(256) :
		    (uint8_t)"a stream of a dataset "[(i + i / 977) % 22];
}

/*
 * Inflate one frame, fed in pieces of at most step bytes, to out.  Returns the number of
 * bytes, or -1.
 */
static long
inflate(struct decompressor *decompressor, const uint8_t *bytes, size_t size,
    size_t says, size_t step, uint8_t *out)
{
	const uint8_t *from;
	size_t take, length, made = 0;
	int result;

	decompressor_begin(decompressor, says);
	for (size_t at = 0; at < size; at += take) {
		take = 1 + chance((unsigned)step);
		if (take > size - at)
			take = size - at;
		decompressor_feed(decompressor, bytes + at, take, at + take == size);
		while ((result = decompressor_next(decompressor, &from, &length,
		    &error)) == 1) {
			CHECK(length > 0 && length <= DECOMPRESSOR_PIECE &&
			    made + length <= says);
			if (out != NULL)
				memcpy(out + made, from, length);
			made += length;
		}
		if (result == -1)
			return (-1);
	}
	CHECK(made == says);
	return ((long)made);
}

/* All of plain, in pieces of any size, at levels that change. */
static void
round_trip(size_t step, bool change)
{
	static const int levels[] = { 1, 3, 9 };
	struct compressor compressor = { .context = NULL };
	struct decompressor decompressor = { .context = NULL };
	size_t size, length, total = 0;
	int level = 3;

	memset(inflated, 0, sizeof(inflated));
	for (size_t at = 0; at < SIZE; at += size) {
		size = 1 + chance(PIECE + 3);
		if (size > SIZE - at)
			size = SIZE - at;
		if (change)
			level = levels[chance(3)];
		length = compressor_run(&compressor, level, plain + at, size, packed);
		CHECK(length > 0 && length <= compressor_bound(size));
		total += length;
		if (inflate(&decompressor, packed, length, size, step,
		    inflated + at) == -1) {
			printf("# %s\n", error.text);
			CHECK(!"inflates");
			break;
		}
	}
	CHECK(memcmp(plain, inflated, SIZE) == 0);
	CHECK(total < SIZE * 2 / 3);
	compressor_free(&compressor);
	decompressor_free(&decompressor);
}

/* A Zstandard frame as no compressor of ours makes it, into packed. */
static size_t
foreign(const void *bytes, size_t size, int window)
{
	const struct zstd_library *zstd = zstd_library(&error);
	ZSTD_CCtx *context = zstd->create_compressor();
	ZSTD_inBuffer from = { bytes, size, 0 };
	ZSTD_outBuffer to = { packed, sizeof(packed), 0 };

	zstd->set_compressor(context, ZSTD_c_windowLog, window);
	/* In two steps: its size is not known when it begins, so the window matters. */
	CHECK(zstd->compress(context, &to, &from, ZSTD_e_flush) == 0);
	CHECK(zstd->compress(context, &to, &from, ZSTD_e_end) == 0);
	zstd->free_compressor(context);
	return (to.pos);
}

/* It is refused with this error, fed at once and byte by byte. */
static void
refuses(const uint8_t *bytes, size_t size, size_t says, const char *why)
{
	struct decompressor decompressor;

	for (size_t step = 1; step <= size; step += size) {
		decompressor = (struct decompressor){ .context = NULL };
		error.text[0] = '\0';
		CHECK(inflate(&decompressor, bytes, size, says,
		    step == 1 ? 1 : size, NULL) == -1);
		CHECK(error.code == EXIT_PROTOCOL);
		if (strstr(error.text, why) == NULL)
			CHECK_TEXT(error.text, why);
		decompressor_free(&decompressor);
	}
}

/* With any byte changed it is refused, or has as many bytes as it says. */
static void
survive_changes(const uint8_t *good, size_t length, size_t says)
{
	static uint8_t bad[sizeof(packed)];
	struct decompressor decompressor;
	size_t refused = 0, tries = 0;

	for (size_t at = 0; at < length; at += 1 + length / 700) {
		memcpy(bad, good, length);
		bad[at] ^= (uint8_t)(1u << chance(8));
		decompressor = (struct decompressor){ .context = NULL };
		tries++;
		refused += inflate(&decompressor, bad, length, says, PIECE,
		    NULL) == -1;
		decompressor_free(&decompressor);
	}
	CHECK(refused > 0 && refused < tries);
}

int
main(void)
{
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2,
	    3, 4 }, legacy[] = { 0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0 };
	static uint8_t zeros[1u << 20];
	struct compressor compressor = { .context = NULL };
	struct decompressor decompressor = { .context = NULL };
	size_t length;

	make_plain();
	TEST("what goes in comes out, in pieces of any size") {
		round_trip(PIECE, false);
		round_trip(7, false);
	}
	TEST("the level may change between any two frames") {
		round_trip(PIECE, true);
		round_trip(3, true);
	}
	TEST("a frame refers to what was sent two MiB before") {
		CHECK(compressor_run(&compressor, 3, plain, PIECE, packed) > PIECE / 4);
		for (size_t at = PIECE; at + PIECE < (2u << 20); at += PIECE)
			compressor_run(&compressor, 3, plain + at, PIECE, packed);
		CHECK(compressor_run(&compressor, 3, plain, PIECE / 2, packed) <
		    PIECE / 32);
		compressor_free(&compressor);
	}
	TEST("a frame that inflates to more or fewer bytes than it says is refused") {
		length = foreign(zeros, sizeof(zeros), 20);
		CHECK(length < 1000);
		refuses(packed, length, 1, "inflates to more bytes than it says");
		refuses(packed, length, 512u << 10,
		    "inflates to more bytes than it says");
		refuses(packed, length, sizeof(zeros) + 1,
		    "inflates to fewer bytes than it says");
		refuses(packed, length / 2, sizeof(zeros), "fewer");
		CHECK(inflate(&decompressor, packed, length, sizeof(zeros), 1,
		    NULL) == sizeof(zeros));
		decompressor_free(&decompressor);
	}
	TEST("a window that would need more memory than ours is refused") {
		length = foreign(plain, 1000, 22);
		refuses(packed, length, 1000, "a compressed frame cannot be inflated: ");
		length = foreign(plain, 1000, 21);
		CHECK(inflate(&decompressor, packed, length, 1000, 5, inflated) == 1000);
		CHECK(memcmp(plain, inflated, 1000) == 0);
		decompressor_free(&decompressor);
	}
	TEST("what is not Zstandard, is of an old format or to be passed over is refused") {
		refuses(plain, 1000, 1000, "is not Zstandard");
		refuses(skippable, sizeof(skippable), 1, "is not Zstandard");
		refuses(legacy, sizeof(legacy), 1, "is not Zstandard");
		length = foreign(plain, 1000, 20);
		memcpy(packed + length, skippable, sizeof(skippable));
		refuses(packed, length + sizeof(skippable), 1001, "is not Zstandard");
	}
	TEST("no changed byte does harm") {
		length = compressor_run(&compressor, 3, plain, PIECE, packed);
		survive_changes(packed, length, PIECE);
		compressor_free(&compressor);
		length = compressor_run(&compressor, 3, plain + 8000, 900, packed);
		survive_changes(packed, length, 900);
		compressor_free(&compressor);
	}
	TEST("a sample tells bytes that may shrink from random ones") {
		for (size_t i = 0; i < SIZE; i++)
			plain[i] = (uint8_t)chance(256);
		for (size_t size = COMPRESSION_SAMPLE; size <= PIECE; size += size / 3)
			CHECK(compression_sample(plain, size) <
			    COMPRESSION_SAMPLE_PROMISING * 4 / 5);
		for (size_t i = 0; i < SIZE; i++)
			plain[i] = (uint8_t)chance(64);
		for (size_t size = COMPRESSION_SAMPLE; size <= PIECE; size += size / 3)
			CHECK(compression_sample(plain, size) >=
			    COMPRESSION_SAMPLE_PROMISING);
		memset(plain, 'a', SIZE);
		CHECK(compression_sample(plain, PIECE) == 32640);
	}
	return (unit_end());
}
