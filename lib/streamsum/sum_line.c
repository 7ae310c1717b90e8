#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "message/json_text.h"
#include "streamsum/sum_line.h"

#define HEX_SIZE (2 * STREAM_DIGEST_SIZE + 1)

const char *
sum_line_kind(enum stream_digest_kind kind)
{
	return (kind == STREAM_DIGEST_RAW ? "raw" : "logical");
}

static void
hex(char text[HEX_SIZE], const uint8_t digest[STREAM_DIGEST_SIZE])
{
	for (size_t i = 0; i < STREAM_DIGEST_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* A line is a word, a number and a digest. */
struct parts {
	const char *word;
	uint64_t number;
	const uint8_t *digest;
};

static struct parts
parts_of(const struct sum_line *line)
{
	const struct stream_part *part = &line->of.part;
	const struct stream_sum *sum = &line->of.sum;

	if (line->is_part)
		return ((struct parts){ part->is_range ? "range" : "object",
		    part->number, part->digest });
	return ((struct parts){ sum_line_kind(sum->kind), sum->guid, sum->digest });
}

int
sum_line_append(struct buffer *out, const struct sum_line *line)
{
	const struct parts parts = parts_of(line);
	char text[SUM_LINE_MAX + 1], digest[HEX_SIZE];
	int length;

	hex(digest, parts.digest);
	length = snprintf(text, sizeof(text), "%s %" PRIu64 " %s\n", parts.word,
	    parts.number, digest);
	return (buffer_append(out, text, (size_t)length));
}

int
sum_line_append_json(struct buffer *out, const struct sum_line *line, const char *snapshot)
{
	const struct parts parts = parts_of(line);
	struct buffer object = BUFFER_EMPTY(4096);
	char digest[HEX_SIZE], number[24];
	bool failed;

	hex(digest, parts.digest);
	snprintf(number, sizeof(number), "%" PRIu64, parts.number);
	if (line->is_part)
		failed = json_text_member(&object, parts.word, number) == -1;
	else
		failed = json_text_member(&object, "kind", parts.word) == -1 ||
		    json_text_member(&object, "guid", number) == -1 ||
		    json_text_member(&object, "snapshot", snapshot) == -1;
	failed = failed || json_text_member(&object, "digest", digest) == -1 ||
	    json_text_raw(&object, "}\n") == -1 ||
	    buffer_append(out, buffer_front(&object), buffer_length(&object)) == -1;
	buffer_free(&object);
	return (failed ? -1 : 0);
}

static bool
parse_digest(uint8_t digest[STREAM_DIGEST_SIZE], const char *text)
{
	char byte[3] = "";

	if (strlen(text) != HEX_SIZE - 1 ||
	    strspn(text, "0123456789abcdef") != HEX_SIZE - 1)
		return (false);
	for (size_t i = 0; i < STREAM_DIGEST_SIZE; i++) {
		memcpy(byte, text + 2 * i, 2);
		digest[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return (true);
}

static bool
read_line(struct sum_line *line, const char *text)
{
	static const char *const words[] = { "object", "range", "logical", "raw" };
	char word[8], number[21], digest[HEX_SIZE];
	uint64_t value;
	size_t i;

	if (sscanf(text, "%7[a-z] %20[0-9] %64[0-9a-f]", word, number, digest) != 3 ||
	    !number_parse(&value, number, 10, 0, UINT64_MAX))
		return (false);
	for (i = 0; i < 4 && strcmp(word, words[i]) != 0; i++)
		;
	line->is_part = i < 2;
	if (line->is_part) {
		line->of.part = (struct stream_part){ .is_range = i == 1, .number = value };
		return (parse_digest(line->of.part.digest, digest));
	}
	line->of.sum = (struct stream_sum){ .guid = value,
	    .kind = i == 3 ? STREAM_DIGEST_RAW : STREAM_DIGEST_LOGICAL };
	return (i < 4 && parse_digest(line->of.sum.digest, digest));
}

int
sum_line_parse(struct sum_line *line, const char *text, size_t length,
    struct error *error)
{
	struct buffer again = BUFFER_EMPTY(SUM_LINE_MAX);
	char copy[SUM_LINE_MAX] = "";
	bool same;

	if (length < sizeof(copy))
		memcpy(copy, text, length);
	/* It is one of ours if it is how we would write what it says. */
	same = read_line(line, copy) && sum_line_append(&again, line) == 0 &&
	    buffer_length(&again) == length + 1 &&
	    memcmp(buffer_front(&again), text, length) == 0;
	buffer_free(&again);
	return (same ? 0 : error_set(error, EXIT_FAILED, "not a line of zr-streamsum"));
}

/* The order in which lines come. */
static int
order(const struct sum_line *a, const struct sum_line *b)
{
	const struct stream_part *first = &a->of.part, *second = &b->of.part;

	if (!a->is_part || !b->is_part)
		return ((int)b->is_part - (int)a->is_part);
	if (first->number != second->number)
		return (first->number < second->number ? -1 : 1);
	return ((int)second->is_range - (int)first->is_range);
}

enum sum_pair
sum_line_compare(const struct sum_line *first, const struct sum_line *second)
{
	const int compared = order(first, second);

	if (compared != 0)
		return (compared < 0 ? SUM_ONLY_FIRST : SUM_ONLY_SECOND);
	return (memcmp(parts_of(first).digest, parts_of(second).digest,
	    STREAM_DIGEST_SIZE) == 0 ? SUM_EQUAL : SUM_DIFFERS);
}
