/* stream_head on real streams of OpenZFS, in pieces of every size. */
#include <inttypes.h>
#include <sys/stat.h>

#include "unit.h"
#include "format/stream_head.h"

static uint8_t *bytes;
static size_t size;

static void
load(const char *name)
{
	char path[256];
	struct stat status;
	FILE *file;

	snprintf(path, sizeof(path), "t/data/streams/%s", name);
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

/* The first length bytes in pieces; 0: each as long as what is missing. */
static int
feed(struct stream_head *head, size_t length, size_t piece, struct error *error)
{
	size_t take, missing;

	stream_head_init(head);
	for (size_t at = 0; at < length && !head->known; at += take) {
		missing = stream_head_missing(head);
		CHECK(missing > 0);
		take = piece == 0 ? missing : piece;
		if (take > length - at)
			take = length - at;
		if (stream_head_feed(head, bytes + at, take, error) == -1)
			return (-1);
	}
	return (0);
}

static void
is(const char *name, uint64_t guid, uint64_t from, size_t length)
{
	static const size_t pieces[] = { 0, 1, 7, 311, 312, 313, 4096, 1 << 20 };
	struct stream_head head;
	struct error error;

	load(name);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		CHECK(feed(&head, size, pieces[i], &error) == 0);
		CHECK(head.known && stream_head_missing(&head) == 0);
		CHECK(head.stream.to_guid == guid && head.stream.from_guid == from);
		CHECK(buffer_length(&head.bytes) == length &&
		    memcmp(buffer_front(&head.bytes), bytes, length) == 0);
		stream_head_free(&head);
	}
	/* One byte less is not enough, and its end is named. */
	for (size_t cut = 0; cut < length; cut++) {
		CHECK(feed(&head, cut, 0, &error) == 0);
		CHECK(!head.known && stream_head_missing(&head) > 0 &&
		    stream_head_missing(&head) <= length - cut);
		CHECK(stream_head_end(&head, &error) == -1);
		CHECK(strstr(error.text, cut == 0 ? "before its first byte" :
		    cut < ZSTREAM_RECORD_SIZE ? "within its first record, after" :
		    "within its properties, after") != NULL);
		stream_head_free(&head);
	}
}

static void
is_refused(const char *name, const char *why)
{
	struct stream_head head;
	struct error error = { .text = "" };

	load(name);
	CHECK(feed(&head, size, 1, &error) == -1);
	CHECK(!head.known || head.stream.with_properties);
	if (strstr(error.text, why) == NULL || error.code != EXIT_FAILED) {
		printf("# %s: %s\n", name, error.text);
		CHECK(!"refused by name");
	}
	stream_head_free(&head);
}

int
main(void)
{
	struct stream_head head;
	struct error error;
	uint32_t length;

	TEST("the head is the first record, or the one behind the properties") {
		is("data.full.zstream", UINT64_C(1773106610190237946), 0, 312);
		is("data.one-two.zstream", UINT64_C(4896359599942996631),
		    UINT64_C(1773106610190237946), 312);
		is("data.full-props.zstream", UINT64_C(4896359599942996631), 0,
		    3 * 312 + 476);
		is("vol.full.zstream", UINT64_C(9844367701817122491), 0, 312);
	}
	TEST("what cannot be kept begins all the same: a resumed stream") {
		load("data.full.resumed.zstream");
		CHECK(feed(&head, size, 0, &error) == 0);
		CHECK(head.known && head.stream.features & ZSTREAM_RESUMING);
		stream_head_free(&head);
	}
	TEST("packages and what is no stream are refused by name") {
		is_refused("all.R.zstream", "a package of several streams");
		is_refused("data.multi-I.zstream", "a package of several streams");
		is_refused("versions.tsv", "not a stream");
	}
	TEST("properties that are none, or whose checksum is wrong, are refused") {
		load("data.full-props.zstream");
		bytes[400] ^= 1;
		CHECK(feed(&head, size, 0, &error) == -1 && !head.known);
		stream_head_free(&head);
	}
	TEST("properties of any legal length are taken, longer ones are not") {
		load("data.full-props.zstream");
		length = ZSTREAM_BEGIN_MAX;
		memcpy(bytes + 4, &length, sizeof(length));
		CHECK(feed(&head, 312, 0, &error) == 0);
		CHECK(stream_head_missing(&head) == STREAM_HEAD_MAX - 312);
		while (stream_head_missing(&head) > 624 && !unit_current_failed)
			CHECK(stream_head_feed(&head, bytes, 312, &error) == 0);
		CHECK(!head.known && stream_head_missing(&head) <= 624);
		stream_head_free(&head);
		length += 4;
		memcpy(bytes + 4, &length, sizeof(length));
		CHECK(feed(&head, 312, 0, &error) == -1);
		stream_head_free(&head);
	}
	free(bytes);
	return (unit_end());
}
