/*
 * The lines of zr-streamsum: what is written is read, and no byte behind a line is.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "streamsum/sum_line.h"
#include "unit.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* text as the last bytes before memory that cannot be read. */
static char *
at_an_end(const char *text)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), length = strlen(text);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(pages != MAP_FAILED);
	CHECK(mprotect(pages + page, page, PROT_NONE) == 0);
	return (memcpy(pages + page - length, text, length));
}

static int
parse(struct sum_line *line, const char *text)
{
	struct error error;

	return (sum_line_parse(line, at_an_end(text), strlen(text), &error));
}

int
main(void)
{
	struct sum_line line;
	struct error error;

	TEST("a line is read, and nothing behind it") {
		CHECK(parse(&line, "object 34 " DIGEST) == 0 && line.is_part &&
		    !line.of.part.is_range && line.of.part.number == 34 &&
		    line.of.part.digest[1] == 0x11);
		CHECK(parse(&line, "range 0 " DIGEST) == 0 && line.of.part.is_range);
		CHECK(parse(&line, "logical 18446744073709551615 " DIGEST) == 0 &&
		    !line.is_part && line.of.sum.guid == UINT64_MAX);
		CHECK(parse(&line, "raw 1 " DIGEST) == 0 &&
		    line.of.sum.kind == STREAM_DIGEST_RAW);
	}
	TEST("anything else is refused, and nothing behind it read") {
		static const char *const bad[] = { "", "o", "object", "object 1",
		    "object 1 " DIGEST "0", "object 1 " DIGEST " ", " object 1 " DIGEST,
		    "object  1 " DIGEST, "object 01 " DIGEST, "object -1 " DIGEST,
		    "subject 1 " DIGEST, "object 18446744073709551616 " DIGEST,
		    "objects 1 " DIGEST, DIGEST DIGEST DIGEST };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(parse(&line, bad[i]) == -1);
		CHECK(sum_line_parse(&line, "object 1 " DIGEST "\0x",
		    strlen("object 1 " DIGEST) + 2, &error) == -1);
	}
	return (unit_end());
}
