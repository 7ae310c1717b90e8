/* nvlist on what OpenZFS packed (BEGIN records of real streams) and damaged. */
#include <stdbool.h>
#include <stdint.h>

#include "unit.h"
#include "format/nvlist.h"
#include "format/nvlist_pack.h"

/* The payload of a stream's first record, exactly as large as it is. */
static uint8_t *
payload(const char *name, size_t *length)
{
	uint8_t record[312], *bytes;
	char path[256];
	uint32_t size;
	FILE *file;

	snprintf(path, sizeof(path), "t/data/streams/%s.zstream", name);
	file = fopen(path, "r");
	if (file == NULL || fread(record, sizeof(record), 1, file) != 1) {
		perror(path);
		exit(111);
	}
	size = (uint32_t)record[4] | (uint32_t)record[5] << 8 |
	    (uint32_t)record[6] << 16 | (uint32_t)record[7] << 24;
	bytes = malloc(size);
	if (bytes == NULL || fread(bytes, 1, size, file) != size)
		exit(111);
	fclose(file);
	*length = size;
	return (bytes);
}

/* Every pair in every list, by all accessors; the number of pairs. */
static size_t
walk(const struct nvlist *list, char *names, size_t size)
{
	struct nvpair pair = NVPAIR_START;
	struct nvlist nested;
	size_t count = 0, length;

	while (nvlist_next(list, &pair)) {
		count++;
		if (names != NULL)
			snprintf(names + strlen(names), size - strlen(names),
			    "%.*s ", (int)pair.name_length, pair.name);
		if (pair.type == NVLIST_UINT64)
			nvpair_uint64(list, &pair);
		if (pair.type == NVLIST_STRING)
			nvpair_string(list, &pair, &length);
		if (pair.type != NVLIST_NVLIST &&
		    pair.type != NVLIST_NVLIST_ARRAY)
			continue;
		for (uint32_t i = 0; i < pair.count; i++) {
			nvpair_list(list, &pair, i, &nested);
			count += walk(&nested, names, size);
		}
	}
	return (count);
}

static bool
text_is(const struct nvlist *list, const char *name, const char *want)
{
	struct nvpair pair;
	const char *text;
	size_t length;

	if (nvlist_find(list, name, NVLIST_STRING, &pair) != NVLIST_FOUND)
		return (false);
	text = nvpair_string(list, &pair, &length);
	return (length == strlen(want) && memcmp(text, want, length) == 0);
}

/* Cut anywhere it is refused; changed anywhere it is refused or harmless. */
static bool
survives_damage(const uint8_t *bytes, size_t length)
{
	static const uint8_t changes[] = { 1, 2, 0x10, 0x7f, 0x80, 0xff };
	struct nvlist list;
	struct error error;
	uint8_t *copy;
	bool refused = true;

	for (size_t cut = 0; cut < length; cut++) {
		/* Its own allocation, so that a sanitizer sees the end. */
		copy = malloc(cut + 1);
		memcpy(copy + 1, bytes, cut);
		refused = nvlist_parse(&list, copy + 1, cut, &error) == -1 &&
		    refused;
		free(copy);
	}
	copy = malloc(length);
	for (size_t at = 0; at < length; at++)
		for (size_t i = 0; i < sizeof(changes); i++) {
			memcpy(copy, bytes, length);
			copy[at] ^= changes[i];
			if (nvlist_parse(&list, copy, length, &error) == 0)
				walk(&list, NULL, 0);
		}
	free(copy);
	return (refused);
}

int
main(void)
{
	struct nvlist list, nested, inner;
	struct nvpair pair;
	struct error error = { .text = "" };
	uint64_t number = 0;
	uint8_t *bytes;
	char names[4096] = "";
	size_t length;

	TEST("the list of a stream with properties is read (XDR)") {
		bytes = payload("data.full-props", &length);
		CHECK(nvlist_parse(&list, bytes, length, &error) == 0);
		CHECK_TEXT(error.text, "");
		CHECK(list.xdr);
		CHECK(text_is(&list, "tosnap", "two"));
		CHECK(nvlist_find(&list, "fss", NVLIST_NVLIST, &pair) ==
		    NVLIST_FOUND);
		nvpair_list(&list, &pair, 0, &nested);
		pair = NVPAIR_START;
		CHECK(nvlist_next(&nested, &pair));
		nvpair_list(&nested, &pair, 0, &inner);
		CHECK(text_is(&inner, "name", "a/data"));
		walk(&list, names, sizeof(names));
		CHECK(strncmp(names, "tosnap not_recursive fss 0x8431bbc3576fb1a0 "
		    "name ", 49) == 0);
		CHECK(survives_damage(bytes, length));
		free(bytes);
	}
	TEST("the list of a recursive stream is read to the last nested one") {
		bytes = payload("all.R", &length);
		CHECK(nvlist_parse(&list, bytes, length, &error) == 0);
		CHECK(walk(&list, NULL, 0) == 28);
		free(bytes);
	}
	TEST("where a resumed stream goes on is read (native)") {
		bytes = payload("data.full.resumed", &length);
		CHECK(nvlist_parse(&list, bytes, length, &error) == 0);
		CHECK(!list.xdr);
		CHECK(nvlist_find_uint64(&list, "resume_object", &number) ==
		    NVLIST_FOUND);
		CHECK(number == 3);
		CHECK(nvlist_find_uint64(&list, "resume_offset", &number) ==
		    NVLIST_FOUND);
		CHECK(number == 0);
		CHECK(nvlist_find_uint64(&list, "resume", &number) ==
		    NVLIST_ABSENT);
		CHECK(nvlist_find_boolean(&list, "resume_object") ==
		    NVLIST_WRONG);
		CHECK(survives_damage(bytes, length));
		free(bytes);
	}
	TEST("the keys of a raw stream are read (native, nested, arrays)") {
		bytes = payload("enc.full-raw", &length);
		CHECK(nvlist_parse(&list, bytes, length, &error) == 0);
		CHECK(nvlist_find(&list, "crypt_keydata", NVLIST_NVLIST, &pair)
		    == NVLIST_FOUND);
		nvpair_list(&list, &pair, 0, &nested);
		CHECK(nvlist_find_uint64(&nested, "DSL_CRYPTO_SUITE", &number)
		    == NVLIST_FOUND);
		CHECK(number == 8);
		CHECK(survives_damage(bytes, length));
		free(bytes);
	}
	TEST("an unknown encoding is refused") {
		CHECK(nvlist_parse(&list, "", 0, &error) == -1);
		CHECK(nvlist_parse(&list, "\2\1\0\0", 4, &error) == -1);
		CHECK(nvlist_parse(&list, "\0\2\0\0", 4, &error) == -1);
		CHECK(error.code == EXIT_PROTOCOL);
		CHECK_TEXT(error.text, "not an nvlist: unknown encoding "
		    "(at offset 0 of its pairs)");
	}
	TEST("an empty list has no pairs") {
		static const uint8_t empty[] = { 0, 1, 0, 0, 0, 0, 0, 0,
		    1, 0, 0, 0, 0, 0, 0, 0 };

		CHECK(nvlist_parse(&list, empty, sizeof(empty), &error) == 0);
		CHECK(walk(&list, NULL, 0) == 0);
	}
	TEST("a list that was written is read again, and is the one that zfs wrote") {
		uint8_t made[256];
		struct nvlist_pack pack;

		bytes = payload("data.full.resumed", &length);
		nvlist_pack_begin(&pack, made, sizeof(made));
		nvlist_pack_uint64(&pack, "resume_object", 3);
		nvlist_pack_uint64(&pack, "resume_offset", 0);
		CHECK(nvlist_pack_end(&pack) == 0);
		CHECK(pack.length == length && memcmp(made, bytes, length) == 0);
		free(bytes);
		/* Names and texts of every length, for the padding. */
		for (size_t i = 1; i < 30; i++) {
			char name[32] = "", text[32] = "";

			memset(name, 'n', i);
			memset(text, 't', 30 - i);
			nvlist_pack_begin(&pack, made, sizeof(made));
			nvlist_pack_string(&pack, name, text);
			nvlist_pack_boolean(&pack, text);
			CHECK(nvlist_pack_end(&pack) == 0);
			CHECK(nvlist_parse(&list, made, pack.length, &error) == 0);
			CHECK(text_is(&list, name, text));
			CHECK(nvlist_find_boolean(&list, text) == NVLIST_FOUND);
			CHECK(walk(&list, NULL, 0) == 2);
		}
	}
	TEST("a list that is too long for its place is an error, and nothing is behind it") {
		uint8_t made[128];
		struct nvlist_pack pack;

		for (size_t room = 0; room < 96; room++) {
			memset(made, 0xee, sizeof(made));
			nvlist_pack_begin(&pack, made, room);
			nvlist_pack_uint64(&pack, "resume_object", 3);
			nvlist_pack_uint64(&pack, "resume_offset", 0);
			CHECK(nvlist_pack_end(&pack) == -1);
			for (size_t i = room; i < sizeof(made); i++)
				CHECK(made[i] == 0xee);
		}
		nvlist_pack_begin(&pack, made, 96);
		nvlist_pack_uint64(&pack, "resume_object", 3);
		nvlist_pack_uint64(&pack, "resume_offset", 0);
		CHECK(nvlist_pack_end(&pack) == 0);
	}
	return (unit_end());
}
