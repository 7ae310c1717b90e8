#include <stdbool.h>
#include <time.h>

#include "snap/snap_name.h"
#include "unit.h"

/* 2006-01-02 15:04:05.007 UTC */
#define WHEN INT64_C(1136214245007)

static char name[SNAP_NAME_SIZE];

/* The name, or "" if there is none. */
static const char *
named(const char *prefix, const char *format, int64_t when)
{
	struct error error;

	return (snap_name(name, prefix, format, when, &error) == -1 ? "" : name);
}

static bool
refused(const char *prefix, const char *format)
{
	struct error error = { .code = EXIT_DONE };

	return (snap_name_check(prefix, format, &error) == -1 &&
	    error.code == EXIT_USAGE);
}

int
main(void)
{
	char longest[SNAP_NAME_SIZE + 8];
	struct error error;

	setenv("TZ", "Asia/Kolkata", 1);
	tzset();
	TEST("each of zrepl's formats") {
		CHECK_TEXT(named("zr_", "dense", WHEN), "zr_20060102_150405_007");
		CHECK_TEXT(named("", "human", WHEN), "2006-01-02_15:04:05");
		CHECK_TEXT(named("a-", "iso-8601", WHEN), "a-2006-01-02T15:04:05.007Z");
		CHECK_TEXT(named("u", "unix-seconds", WHEN), "u1136214245");
		CHECK_TEXT(named("u", "unix-seconds", 0), "u0");
		CHECK_TEXT(named("", "dense", INT64_C(4102444799999)),
		    "20991231_235959_999");
	}
	TEST("a format for strftime is in UTC, wherever we are") {
		CHECK_TEXT(named("x", "%H%M%Z", WHEN), "x1504GMT");
		CHECK_TEXT(named("", "%s", WHEN), "1136214245");
		CHECK_TEXT(named("", "%-s.%10s.%Es", WHEN),
		    "1136214245.1136214245.1136214245");
		CHECK_TEXT(named("daily ", "%A", WHEN), "daily Monday");
	}
	TEST("a plus becomes _, which no prefix gets") {
		CHECK_TEXT(named("", "%Y%z", WHEN), "2006_0000");
		CHECK_TEXT(named("", "%Y+%m", WHEN), "2006_01");
		CHECK(refused("a+", "dense"));
	}
	TEST("what cannot be a name is refused") {
		static const char *const bad[] = { "%Y/%m", "%Y@", "%D", "%Y%%", "%n",
		    "%t%Y", "%Y%", "%Q", "%%s", "%", "%Y#", "%Y,", "%Y\xc3\xa4" };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			CHECK(refused("zr_", bad[i]));
			CHECK_TEXT(named("zr_", bad[i], WHEN), "");
		}
		CHECK(refused("a/", "dense"));
		CHECK(refused("a@", "dense"));
	}
	TEST("a word that is no format is refused") {
		CHECK(refused("zr_", ""));
		CHECK(refused("zr_", "Dense"));
		CHECK(refused("zr_", "daily"));
	}
	TEST("a format that is long, or gives a long text, is refused") {
		char format[2000];

		CHECK(refused("", "%9999Y"));
		memset(format, 'x', sizeof(format) - 1);
		memcpy(format + sizeof(format) - 3, "%Y", 3);
		CHECK(refused("", format));
	}
	TEST("it is tried on the longest day, in summer") {
		/* 255 - 9 - 9 bytes: "Wednesday" and "September" just fit. */
		memset(longest, 'x', FS_NAME_MAX - 18);
		longest[FS_NAME_MAX - 18] = '\0';
		CHECK(snap_name_check(longest, "%A%B", &error) == 0);
		strcat(longest, "x");
		CHECK(*named(longest, "%A%B", WHEN) != '\0');
		CHECK(refused(longest, "%A%B"));
	}
	TEST("a clock that is wrong gives no name") {
		CHECK_TEXT(named("", "dense", -1), "");
		CHECK_TEXT(named("", "dense", INT64_MIN), "");
	}
	return (unit_end());
}
