/* zstream on real streams of OpenZFS, in pieces of every kind, and damaged. */
#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "unit.h"
#include "format/zstream.h"

static const char *const directory = "t/data/streams";
static uint8_t *bytes;
static size_t size;

static void
load(const char *name)
{
	char path[256];
	struct stat status;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "r");
	if (file == NULL || fstat(fileno(file), &status) == -1) {
		perror(path);
		exit(111);
	}
	size = (size_t)status.st_size;
	free(bytes);
	bytes = malloc(size);
	if (fread(bytes, 1, size, file) != size)
		exit(111);
	fclose(file);
}

/* Feed in pieces of these sizes, over and over. */
static int
feed(struct zstream *stream, const uint8_t *from, size_t length, size_t piece,
    struct error *error)
{
	size_t take;

	zstream_init(stream, "kept");
	for (size_t at = 0; at < length; at += take) {
		take = length - at < piece ? length - at : piece;
		if (zstream_feed(stream, from + at, take, error) == -1)
			return (-1);
	}
	return (zstream_finish(stream, error));
}

/* Of what stands before the BEGIN of the stream itself. */
static size_t
wrapper_size(void)
{
	uint32_t properties;

	memcpy(&properties, bytes + 4, sizeof(properties));
	return (2 * ZSTREAM_RECORD_SIZE + properties);
}

static void
is(const char *name, const char *to, uint64_t guid, uint64_t from)
{
	static const size_t pieces[] = { 1 << 20, 65536, 4097, 313, 311, 8, 7, 1 };
	struct zstream stream;
	struct error error = { .text = "" };

	load(name);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (feed(&stream, bytes, size, pieces[i], &error) == -1) {
			printf("# %s in pieces of %zu: %s\n", name, pieces[i], error.text);
			CHECK(!"accepted");
			return;
		}
		CHECK_TEXT(stream.to_name, to);
		CHECK(stream.to_guid == guid && stream.from_guid == from);
	}
}

static void
is_refused(const char *name, const char *why)
{
	struct zstream stream;
	struct error error;

	load(name);
	CHECK(feed(&stream, bytes, size, 65536, &error) == -1);
	if (strstr(error.text, why) == NULL) {
		printf("# %s: %s\n", name, error.text);
		CHECK(!"refused by name");
	}
}

/* The same stream as a machine of the other byte order would write it. */
static void
swap_words(uint8_t *at, size_t length, size_t width)
{
	uint8_t kept;

	for (; length >= width; at += width, length -= width)
		for (size_t i = 0; i < width / 2; i++) {
			kept = at[i];
			at[i] = at[width - 1 - i];
			at[width - 1 - i] = kept;
		}
}

#define ONE	UINT64_C(1773106610190237946)
#define TWO	UINT64_C(4896359599942996631)
#define THREE	UINT64_C(5917462388427509497)
#define FOUR	UINT64_C(14644471264758536123)
#define E1	UINT64_C(10516749118215367015)
#define E2	UINT64_C(15314092229871050675)
#define V1	UINT64_C(9844367701817122491)
#define V2	UINT64_C(1860407267882622679)

int
main(void)
{
	struct zstream stream;
	struct error error;
	size_t accepted;

	TEST("full, incremental, from-bookmark and empty increments are known") {
		is("data.full.zstream", "a/data@one", ONE, 0);
		is("data.one-two.zstream", "a/data@two", TWO, ONE);
		is("data.two-three.zstream", "a/data@three-unchanged", THREE, TWO);
		is("data.three-four.zstream",
		    "a/data@four with space:and.dots_-", FOUR, THREE);
		is("data.mark-two-four.zstream",
		    "a/data@four with space:and.dots_-", FOUR, TWO);
	}
	TEST("compressed, embedded, large blocks; properties; raw; volumes") {
		is("data.full-Lec.zstream", "a/data@one", ONE, 0);
		is("data.full-props.zstream", "a/data@two", TWO, 0);
		is("enc.full-raw.zstream", "a/enc@e1", E1, 0);
		is("enc.e1-e2-raw.zstream", "a/enc@e2", E2, E1);
		is("vol.full.zstream", "a/vol@v1", V1, 0);
		is("vol.v1-v2.zstream", "a/vol@v2", V2, V1);
	}
	TEST("the creation time and the features are the stream's") {
		load("data.full-Lec.zstream");
		CHECK(feed(&stream, bytes, size, 65536, &error) == 0);
		CHECK(stream.creation == 1795344230);
		CHECK(stream.features & ZSTREAM_COMPRESSED);
		CHECK(stream.features & ZSTREAM_EMBEDDED);
		CHECK((stream.features & ZSTREAM_RAW) == 0);
		CHECK_TEXT(zstream_snapshot(&stream), "one");
	}
	TEST("whether it is of a filesystem or of a volume") {
		load("data.full-props.zstream");
		CHECK(feed(&stream, bytes, size, 65536, &error) == 0);
		CHECK(stream.type == ZSTREAM_FILESYSTEM);
		load("vol.v1-v2.zstream");
		CHECK(feed(&stream, bytes, size, 65536, &error) == 0);
		CHECK(stream.type == ZSTREAM_VOLUME);
	}
	TEST("every bit counts in what wraps a stream with properties, though no checksum covers its ends") {
		load("data.full-props.zstream");
		for (size_t at = 0; at < size; at++) {
			/* The wrapper's BEGIN, properties and END; at last its other END. */
			if (at == wrapper_size())
				at = size - ZSTREAM_RECORD_SIZE;
			bytes[at] ^= (uint8_t)(1 << at % 8);
			if (feed(&stream, bytes, size, 65536, &error) != -1) {
				printf("# byte %zu\n", at);
				CHECK(false);
			}
			bytes[at] ^= (uint8_t)(1 << at % 8);
		}
	}
	TEST("packages, parts and cut streams are refused by name") {
		is_refused("all.R.zstream", "a package of several streams");
		is_refused("data.multi-I.zstream", "a package of several streams");
		is_refused("data.full.resumed.zstream", "only a part");
		is_refused("data.full.cut-450000.zstream", "incomplete");
		is_refused("versions.tsv", "not a stream");
	}
	TEST("a package of several snapshots is refused before the first is taken") {
		load("data.multi-I.zstream");
		CHECK(feed(&stream, bytes, size, 65536, &error) == -1);
		CHECK(!stream.begun);
		CHECK(strstr(error.text, "a package of several streams") != NULL);
	}
	TEST("a stream cut anywhere is incomplete, one byte more is too many") {
		load("data.two-three.zstream");
		for (size_t length = 0; length < size; length++)
			CHECK(feed(&stream, bytes, length, 65536, &error) == -1);
		bytes = realloc(bytes, size + 1);
		bytes[size] = 0;
		CHECK(feed(&stream, bytes, size + 1, 65536, &error) == -1);
		CHECK(strstr(error.text, "bytes follow its end") != NULL);
	}
	TEST("one flipped bit anywhere is found") {
		load("data.two-three.zstream");
		accepted = 0;
		for (size_t bit = 0; bit < size * 8; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			accepted += feed(&stream, bytes, size, 65536, &error) == 0;
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		CHECK(accepted == 0);
		load("enc.e1-e2-raw.zstream");
		for (size_t at = 0; at < size; at += 97) {
			bytes[at] ^= 0x10;
			accepted += feed(&stream, bytes, size, 65536, &error) == 0;
			bytes[at] ^= 0x10;
		}
		CHECK(accepted == 0);
	}
	TEST("a stream of the other byte order is understood") {
		load("data.two-three.zstream");
		for (size_t at = 0; at < size; at += ZSTREAM_RECORD_SIZE) {
			swap_words(bytes + at, 8, 4);
			swap_words(bytes + at + 8, at == 0 ? 16 : 48, 8);
			if (at == 0) {
				swap_words(bytes + at + 24, 8, 8);
				swap_words(bytes + at + 32, 8, 4);
				swap_words(bytes + at + 40, 16, 8);
			} else
				swap_words(bytes + at + 280, 32, 8);
		}
		if (feed(&stream, bytes, size, 65536, &error) == -1) {
			/*
			 * The name is text and was not swapped, so that its words
			 * sum up differently: only the sums can be wrong.
			 */
			CHECK(strstr(error.text, "checksum mismatch") != NULL);
			CHECK(stream.begun && stream.to_guid == THREE &&
			    stream.from_guid == TWO);
		} else
			CHECK(!"its sums were made for the other order");
	}
	free(bytes);
	return (unit_end());
}
