#include "base/number.h"
#include "unit.h"

int
main(void)
{
	uint64_t number;

	TEST("digits within the range are a number") {
		CHECK(number_parse(&number, "0", 10, 0, 0) && number == 0);
		CHECK(number_parse(&number, "65535", 10, 1, 65535) && number == 65535);
		CHECK(number_parse(&number, "007", 10, 7, 7) && number == 7);
		CHECK(number_parse(&number, "0777", 8, 0, 0777) && number == 0777);
		CHECK(number_parse(&number, "18446744073709551615", 10, 0,
		    UINT64_MAX) && number == UINT64_MAX);
	}
	TEST("what is out of the range is refused, whatever its length") {
		static const char *const bad[] = { "0", "65536", "84424",
		    "4294967297", "18446744073709551615", "18446744073709551616",
		    "18446744073709551617", "100000000000000000000000001" };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(!number_parse(&number, bad[i], 10, 1, 65535) &&
			    number == 0);
		CHECK(!number_parse(&number, "40000000600", 8, 0, 0777));
		CHECK(!number_parse(&number, "18446744073709551616", 10, 0, UINT64_MAX));
	}
	TEST("what is more than digits is refused") {
		static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "0x1",
		    "1e1", "1.0", "1\n", "a", "9" };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(!number_parse(&number, bad[i],
			    bad[i][0] == '9' ? 8 : 10, 0, 100));
	}
	TEST("a descriptor") {
		CHECK(number_parse_fd("3", 3) == 3);
		CHECK(number_parse_fd("65535", 0) == 65535);
		CHECK(number_parse_fd("2", 3) == -1);
		CHECK(number_parse_fd("65536", 0) == -1);
		CHECK(number_parse_fd("4294967299", 0) == -1);
		CHECK(number_parse_fd("", 0) == -1);
	}
	return (unit_end());
}
