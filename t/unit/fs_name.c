/* fs_name: what is a filesystem's or a snapshot's name, and what is not. */
#include "unit.h"
#include "format/fs_name.h"

int
main(void)
{
	char name[FS_NAME_MAX + 3];

	TEST("names of filesystems") {
		static const char *const good[] = { "p", "p/a", "p/a b:c.d_e-f",
		    "p/-x", "p/...", "p/.a", "p/ ", "1/2" };

		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			CHECK(fs_name_valid_filesystem(good[i]));
	}
	TEST("names that are none of a filesystem") {
		static const char *const bad[] = { "", "/", "/p", "p/", "p//a",
		    ".", "..", "p/..", "p/./a", "../p", "p@a", "p#a", "p%a",
		    "p,a", "p\n", "p/\xc3\xa4", "p'", "p;a", "p*", "-", "-x",
		    "-x/a" };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(!fs_name_valid_filesystem(bad[i]));
	}
	TEST("names of snapshots") {
		CHECK(fs_name_valid_snapshot("a"));
		CHECK(fs_name_valid_snapshot("four with space:and.dots_-"));
		CHECK(fs_name_valid_snapshot("-a"));
		CHECK(!fs_name_valid_snapshot(""));
		CHECK(!fs_name_valid_snapshot("."));
		CHECK(!fs_name_valid_snapshot(".."));
		CHECK(!fs_name_valid_snapshot("a/b"));
		CHECK(!fs_name_valid_snapshot("a@b"));
		CHECK(!fs_name_valid_snapshot("a%b"));
		CHECK(!fs_name_valid_snapshot("a,b"));
	}
	TEST("names as long and deep as may be, and longer") {
		memset(name, 'a', sizeof(name));
		name[FS_NAME_MAX] = '\0';
		CHECK(fs_name_valid_filesystem(name));
		CHECK(fs_name_valid_snapshot(name));
		name[FS_NAME_MAX] = 'a';
		name[FS_NAME_MAX + 1] = '\0';
		CHECK(!fs_name_valid_filesystem(name));
		CHECK(!fs_name_valid_snapshot(name));
		for (size_t i = 0; i < FS_DEPTH_MAX; i++)
			memcpy(name + 2 * i, "a/", 2);
		name[2 * FS_DEPTH_MAX - 1] = '\0';
		CHECK(fs_name_valid_filesystem(name));
		memcpy(name + 2 * FS_DEPTH_MAX - 1, "/a", 3);
		CHECK(!fs_name_valid_filesystem(name));
	}
	return (unit_end());
}
