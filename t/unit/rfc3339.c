#include "format/rfc3339.h"
#include "unit.h"

int
main(void)
{
	char text[RFC3339_SIZE];
	int64_t seconds;

	TEST("times that Go writes are read") {
		CHECK(rfc3339_parse("2024-01-02T00:00:00Z", &seconds));
		CHECK(seconds == 1704153600);
		CHECK(rfc3339_parse("2024-01-02T02:00:00.123456+02:00", &seconds));
		CHECK(seconds == 1704153600);
		CHECK(rfc3339_parse("1970-01-01T00:00:00-00:01", &seconds));
		CHECK(seconds == 60);
	}
	TEST("what does not exist, or is not the format, is not") {
		static const char *const bad[] = { "", "2024-01-02",
		    "2024-01-02 00:00:00Z", "2024-13-02T00:00:00Z",
		    "2023-02-29T00:00:00Z", "2024-01-02T24:00:00Z",
		    "2024-01-02T00:00:60Z", "2024-01-02T00:00:00",
		    "2024-01-02T00:00:00.Z", "2024-01-02T00:00:00+2:00",
		    "2024-01-02T00:00:00Zx", "24-01-02T00:00:00Z" };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(!rfc3339_parse(bad[i], NULL));
		CHECK(rfc3339_parse("2024-02-29T00:00:00Z", NULL));
	}
	TEST("what UTC has in no year of four digits is not") {
		CHECK(rfc3339_parse("9999-12-31T23:59:59Z", &seconds));
		CHECK(seconds == RFC3339_LAST);
		CHECK(!rfc3339_parse("9999-12-31T23:59:59-00:01", NULL));
		CHECK(rfc3339_parse("0000-01-01T00:01:00+00:01", &seconds));
		CHECK(seconds == RFC3339_FIRST);
		CHECK(!rfc3339_parse("0000-01-01T00:00:59+00:01", NULL));
	}
	TEST("what is written is read back") {
		rfc3339_format(text, 1795344230);
		CHECK_TEXT(text, "2026-11-22T10:43:50Z");
		CHECK(rfc3339_parse(text, &seconds) && seconds == 1795344230);
	}
	return (unit_end());
}
