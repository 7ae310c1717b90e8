/*
 * resume_token on tokens of OpenZFS (t/data) and on made and forged ones
 * (t/data/tokens/made.tsv, written by make.py beside it).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>

#include "unit.h"
#include "format/resume_token.h"

static char line[2 * RESUME_TOKEN_TEXT_MAX];

/* The first line of a file of t/data, in line. */
static const char *
read_token(const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "t/data/%s", name);
	file = fopen(path, "r");
	if (file == NULL || fgets(line, sizeof(line), file) == NULL) {
		perror(path);
		exit(111);
	}
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return (line);
}

/* Everything that a made token says. */
static bool
is_as_made(const struct resume_token *token)
{
	return (token->to_guid == UINT64_C(0x43f35d1d372d1297) &&
	    token->from_guid == UINT64_C(0x189b5711514940fa) &&
	    strcmp(token->filesystem, "tank/some data/x.y:z") == 0 &&
	    strcmp(token->snapshot, "zrepl_2026-11-23") == 0 &&
	    token->object == 2 && token->offset == UINT64_C(0x123456789abc) &&
	    token->bytes == 1424 && token->flags == (RESUME_TOKEN_RAW |
	    RESUME_TOKEN_COMPRESSED | RESUME_TOKEN_EMBEDDED |
	    RESUME_TOKEN_LARGE_BLOCKS | RESUME_TOKEN_SAVED));
}

/* One line of made.tsv: verdict, name, token. */
static void
check_made(char *text)
{
	const char *const verdict = strsep(&text, "\t");
	const char *const name = strsep(&text, "\t");
	struct resume_token token;
	struct error error = { .text = "" };
	bool right;

	CHECK(text != NULL);
	if (text == NULL)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (resume_token_decode(&token, text, &error) == 0)
		right = strcmp(verdict, "-") == 0 && is_as_made(&token);
	else
		right = strstr(error.text, verdict) != NULL &&
		    strncmp(error.text, "resume token is ", 16) == 0 &&
		    error.code == EXIT_FAILED;
	if (!right)
		printf("# %s: want %s, have %s\n", name, verdict, error.text);
	CHECK(right);
}

/* What zfs send -nvt prints of a token, on one line. */
static void
describe(const struct resume_token *token, char *text, size_t size)
{
	size_t used = 0;

	if (token->from_guid != 0)
		used += (size_t)snprintf(text, size, "fromguid=0x%" PRIx64 "|",
		    token->from_guid);
	used += (size_t)snprintf(text + used, size - used, "object=0x%" PRIx64
	    "|offset=0x%" PRIx64 "|bytes=0x%" PRIx64 "|toguid=0x%" PRIx64
	    "|toname=%s@%s|", token->object, token->offset, token->bytes,
	    token->to_guid, token->filesystem, token->snapshot);
	snprintf(text + used, size - used, "%s%s%s%s%s",
	    token->flags & RESUME_TOKEN_LARGE_BLOCKS ? "largeblockok=1|" : "",
	    token->flags & RESUME_TOKEN_EMBEDDED ? "embedok=1|" : "",
	    token->flags & RESUME_TOKEN_COMPRESSED ? "compressok=1|" : "",
	    token->flags & RESUME_TOKEN_RAW ? "rawok=1|" : "",
	    token->flags & RESUME_TOKEN_REDACTED ? "redacted" : "");
}

/* One line of real.tsv: token, what zfs read in it. */
static void
check_real(char *text)
{
	const char *const name = strsep(&text, "\t");
	struct resume_token token;
	struct error error = { .text = "" };
	char ours[1024] = "";

	CHECK(text != NULL);
	if (text == NULL)
		return;
	text[strcspn(text, "\n")] = '\0';
	CHECK(resume_token_decode(&token, name, &error) == 0);
	CHECK_TEXT(error.text, "");
	describe(&token, ours, sizeof(ours));
	CHECK_TEXT(ours, text);
}

/* Both inflated; equal, as lengths and bytes. */
static bool
is_same_list(const char *one, const char *other)
{
	static uint8_t bytes[2][4096], lists[2][4096];
	const char *const texts[2] = { one, other };
	uLongf lengths[2] = { sizeof(lists[0]), sizeof(lists[1]) };
	size_t length;

	for (int i = 0; i < 2; i++) {
		const char *const hex = strrchr(texts[i], '-') + 1;

		length = strlen(hex) / 2;
		for (size_t at = 0; at < length && at < sizeof(bytes[i]); at++)
			if (sscanf(hex + 2 * at, "%2hhx", &bytes[i][at]) != 1)
				return (false);
		if (uncompress(lists[i], &lengths[i], bytes[i], length) != Z_OK)
			return (false);
	}
	return (lengths[0] == lengths[1] && memcmp(lists[0], lists[1], lengths[0]) == 0);
}

/* Decoded and encoded again, it is the list that zfs wrote. */
static void
check_again(char *text)
{
	struct resume_token token;
	struct error error = { .text = "" };
	char *again;

	text[strcspn(text, "\t\n")] = '\0';
	CHECK(resume_token_decode(&token, text, &error) == 0);
	again = resume_token_encode(&token, &error);
	CHECK(again != NULL);
	if (again == NULL)
		return;
	if (!is_same_list(text, again)) {
		printf("# %s\n# became %s\n", text, again);
		CHECK(!"the same list");
	}
	free(again);
}

/* What a part of an archive has: no bytes, every flag or none, the longest names. */
static void
check_round(const struct resume_token *token)
{
	struct resume_token read;
	struct error error = { .text = "" };
	char *const text = resume_token_encode(token, &error);

	CHECK(text != NULL);
	if (text == NULL)
		return;
	CHECK(resume_token_decode(&read, text, &error) == 0);
	CHECK_TEXT(error.text, "");
	CHECK(memcmp(&read, token, sizeof(read)) == 0);
	free(text);
}

/* Call check for each line of a file of t/data/tokens; how many there are. */
static unsigned int
check_lines(const char *path, void (*check)(char *text))
{
	FILE *const file = fopen(path, "r");
	unsigned int count = 0;

	CHECK(file != NULL);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		check(line);
		count++;
	}
	if (file != NULL)
		fclose(file);
	return (count);
}

int
main(void)
{
	struct resume_token token;
	struct error error = { .text = "" };

	TEST("a token of a full send is read") {
		CHECK(resume_token_decode(&token, read_token(
		    "streams/data.full.cut.resume-token.txt"), &error) == 0);
		CHECK_TEXT(error.text, "");
		CHECK(token.to_guid == UINT64_C(0x189b5711514940fa));
		CHECK(token.from_guid == 0);
		CHECK_TEXT(token.filesystem, "a/data");
		CHECK_TEXT(token.snapshot, "one");
		CHECK(token.object == 3 && token.offset == 0);
		CHECK(token.bytes == 0x60f90);
		CHECK(token.flags == 0);
	}
	TEST("a token of a raw send is read") {
		CHECK(resume_token_decode(&token, read_token(
		    "streams/enc.cut.resume-token.txt"), &error) == 0);
		CHECK(token.flags == (RESUME_TOKEN_RAW | RESUME_TOKEN_COMPRESSED));
		CHECK_TEXT(token.filesystem, "a/enc");
	}
	TEST("a token of an incremental send is read") {
		CHECK(resume_token_decode(&token, read_token(
		    "streams/inc.cut.resume-token.txt"), &error) == 0);
		CHECK(token.from_guid == UINT64_C(0x189b5711514940fa));
		CHECK(token.to_guid == UINT64_C(0x43f35d1d372d1297));
	}
	TEST("tokens of every kind of send mean to us what they mean to zfs") {
		CHECK(check_lines("t/data/tokens/real.tsv", check_real) == 8);
	}
	TEST("a token that was read and written again is the list that zfs wrote") {
		CHECK(check_lines("t/data/tokens/real.tsv", check_again) == 8);
	}
	TEST("what was written is read again") {
		/* Padding is compared as well. */
		memset(&token, 0, sizeof(token));
		token.to_guid = UINT64_MAX;
		token.object = 2;
		strlcpy(token.filesystem, "a", sizeof(token.filesystem));
		strlcpy(token.snapshot, "b", sizeof(token.snapshot));
		check_round(&token);
		token.from_guid = 1;
		token.offset = UINT64_C(0x123456789abcd);
		token.flags = RESUME_TOKEN_RAW | RESUME_TOKEN_COMPRESSED |
		    RESUME_TOKEN_EMBEDDED | RESUME_TOKEN_LARGE_BLOCKS;
		for (size_t length = 1; length <= 200; length++) {
			memset(token.filesystem, 'x', length);
			memset(token.snapshot, 'y', length > 50 ? 50 : length);
			check_round(&token);
		}
		token.flags &= ~(unsigned)RESUME_TOKEN_RAW;
		check_round(&token);
	}
	TEST("made tokens in every encoding are read, forged ones refused") {
		CHECK(check_lines("t/data/tokens/made.tsv", check_made) > 80);
	}
	TEST("a real token cut anywhere is refused") {
		char copy[1024];

		strlcpy(copy, read_token("streams/inc.cut.resume-token.txt"),
		    sizeof(copy));
		for (size_t length = strlen(copy); length-- > 0;) {
			copy[length] = '\0';
			CHECK(resume_token_decode(&token, copy, &error) == -1);
		}
	}
	TEST("a token that is too long is refused unread") {
		memset(line, '0', RESUME_TOKEN_TEXT_MAX + 1);
		memcpy(line, "1-0-8-", 6);
		line[RESUME_TOKEN_TEXT_MAX + 1] = '\0';
		CHECK(!resume_token_plausible(line));
		CHECK(resume_token_decode(&token, line, &error) == -1);
		line[RESUME_TOKEN_TEXT_MAX] = '\0';
		CHECK(resume_token_plausible(line));
		CHECK(resume_token_decode(&token, line, &error) == -1);
	}
	TEST("what may stand on a command line") {
		CHECK(resume_token_plausible("1-"));
		CHECK(!resume_token_plausible(""));
		CHECK(!resume_token_plausible("-1-0"));
		CHECK(!resume_token_plausible("1"));
		CHECK(!resume_token_plausible("1-0-0-A"));
		CHECK(!resume_token_plausible("1-0-0-0 x"));
	}
	return (unit_end());
}
