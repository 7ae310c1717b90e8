/* Which filesystems exist for a client of a sender. */
#include <string.h>

#include "unit.h"
#include "format/fs_filter.h"

static struct fs_filter
filter_of(const char *const entries[])
{
	struct fs_filter filter = { .entries = NULL };
	struct error error;

	for (; *entries != NULL; entries++)
		CHECK(fs_filter_add(&filter, *entries, &error) == 0);
	return (filter);
}

static void
matching(void)
{
	struct fs_filter filter = filter_of((const char *const[]){
	    "tank<", "!tank/tmp<", "tank/tmp/keep", "!tank/secret", "other",
	    "tank/tmp/deep/er<", NULL });
	static const struct {
		const char *name;
		bool allowed;
	} cases[] = {
		{ "tank", true }, { "tank/a", true }, { "tank/a/b c", true },
		{ "tank/tmp", false }, { "tank/tmp/x", false },
		{ "tank/tmp/keep", true },	/* exact beats any subtree */
		{ "tank/tmp/keep/x", false },	/* and is nothing but exact */
		{ "tank/tmp/deep", false }, { "tank/tmp/deep/er/x", true },
		{ "tank/secret", false }, { "tank/secret/x", true },
		{ "tank/tmpx", true },		/* by components */
		{ "tankx", false }, { "tan", false }, { "other", true },
		{ "other/x", false }, { "", false }
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(fs_filter_allows(&filter, cases[i].name) == cases[i].allowed);
	fs_filter_free(&filter);
}

static void
everything(void)
{
	struct fs_filter filter = filter_of((const char *const[]){
	    "<", "!tank", NULL });

	CHECK(fs_filter_allows(&filter, "a"));
	CHECK(fs_filter_allows(&filter, "tank/a"));
	CHECK(!fs_filter_allows(&filter, "tank"));
	fs_filter_free(&filter);
	CHECK(!fs_filter_allows(&filter, "a"));
}

static void
refused(void)
{
	static const char *const entries[] = { "", "!", "p/<", "a<b", "a<<",
	    "/a", "a/", "a//b", "a@b", "a#b", "../a", "a/..", "-a", "!!a" };
	struct fs_filter filter = { .entries = NULL };
	struct error error;

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		CHECK(fs_filter_add(&filter, entries[i], &error) == -1);
		CHECK(error.code == EXIT_USAGE);
	}
	CHECK(filter.count == 0);
	CHECK(fs_filter_add(&filter, "a<", &error) == 0);
	CHECK(fs_filter_add(&filter, "a<", &error) == 0);
	CHECK(fs_filter_add(&filter, "!a<", &error) == -1);
	CHECK(fs_filter_add(&filter, "!a", &error) == 0);
	fs_filter_free(&filter);
}

int
main(void)
{
	TEST("an exact entry beats any subtree, a longer subtree a shorter one")
		matching();
	TEST("everything, except; and nothing without an entry")
		everything();
	TEST("what is no entry, or contradicts another")
		refused();
	return (unit_end());
}
