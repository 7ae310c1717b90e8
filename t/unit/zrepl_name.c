/* The names that replication leaves in ZFS. */
#include <string.h>

#include "unit.h"
#include "format/zrepl_name.h"

static void
names(void)
{
	char text[ZREPL_NAME_SIZE];

	zrepl_hold_tag(text, ZREPL_STEP_TAG, "web");
	CHECK(strcmp(text, "zrepl_STEP_J_web") == 0);
	zrepl_hold_tag(text, ZREPL_LAST_RECEIVED_TAG, "a b");
	CHECK(strcmp(text, "zrepl_last_received_J_a b") == 0);
	zrepl_cursor_name(text, ZREPL_CURSOR, 0xabc, "web");
	CHECK(strcmp(text, "zrepl_CURSOR_G_0000000000000abc_J_web") == 0);
	zrepl_cursor_name(text, ZREPL_TENTATIVE_CURSOR, UINT64_MAX, "web");
	CHECK(strcmp(text, "zrepl_CURSORTENTATIVE__G_ffffffffffffffff_J_web") == 0);
}

static void
parsing(void)
{
	static const char *const wrong[] = { "", "zrepl_CURSOR_G_",
	    "zrepl_CURSOR_G_0000000000000abc", "zrepl_CURSOR_G_0000000000000abc_J_",
	    "zrepl_CURSOR_G_abc_J_web", "zrepl_CURSOR_G_0000000000000ABC_J_web",
	    "zrepl_CURSOR_G_00000000000000abc_J_web",
	    "zrepl_CURSORTENTATIVE_G_0000000000000abc_J_web",
	    "zrepl_CURSOR_G_0000000000000abc_J_a/b", "zrepl_replication_cursor",
	    "xzrepl_CURSOR_G_0000000000000abc_J_web" };
	enum zrepl_cursor kind;
	const char *job;
	uint64_t guid;

	CHECK(zrepl_cursor_parse("zrepl_CURSOR_G_0000000000000abc_J_a_J_b",
	    &kind, &guid, &job));
	CHECK(kind == ZREPL_CURSOR && guid == 0xabc && strcmp(job, "a_J_b") == 0);
	CHECK(zrepl_cursor_parse(
	    "zrepl_CURSORTENTATIVE__G_ffffffffffffffff_J_web", &kind, &guid, &job));
	CHECK(kind == ZREPL_TENTATIVE_CURSOR && guid == UINT64_MAX &&
	    strcmp(job, "web") == 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(!zrepl_cursor_parse(wrong[i], &kind, &guid, &job));
}

static void
jobs(void)
{
	char longest[ZREPL_JOB_MAX + 2];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[ZREPL_JOB_MAX + 1] = '\0';
	CHECK(!zrepl_job_valid(longest));
	longest[ZREPL_JOB_MAX] = '\0';
	CHECK(zrepl_job_valid(longest));
	CHECK(!zrepl_job_valid("") && !zrepl_job_valid(".") &&
	    !zrepl_job_valid("..") && !zrepl_job_valid("a/b") &&
	    !zrepl_job_valid("a@b") && !zrepl_job_valid("a\nb"));
}

static void
placeholders(void)
{
	static const char hash[] = "03fe7113949e716c6a9bcd750eea0e0d"
	    "2542f7db8af107986f5e19bce48a403b";	/* openssl dgst -sha512-256 */

	CHECK(zrepl_placeholder_set("on", "pool/a"));
	CHECK(zrepl_placeholder_set(hash, "pool/a"));
	CHECK(!zrepl_placeholder_set(hash, "pool/b"));
	CHECK(!zrepl_placeholder_set("off", "pool/a") &&
	    !zrepl_placeholder_set("", "pool/a") &&
	    !zrepl_placeholder_set("-", "pool/a"));
}

int
main(void)
{
	TEST("tags and bookmarks are zrepl's to the letter")
		names();
	TEST("a cursor's name, and what only looks like one")
		parsing();
	TEST("a job is one component of a name, and not too long")
		jobs();
	TEST("a placeholder says on, or its own name's hash")
		placeholders();
	return (unit_end());
}
