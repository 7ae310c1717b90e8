#include "base/utf8.h"
#include "unit.h"

int
main(void)
{
	char out[16];

	TEST("well-formed sequences of every length are accepted") {
		CHECK(utf8_sequence("a", 1) == 1);
		CHECK(utf8_sequence("\xc3\xa9", 2) == 2);
		CHECK(utf8_sequence("\xe2\x82\xac", 3) == 3);
		CHECK(utf8_sequence("\xf0\x9f\x98\x80", 4) == 4);
	}
	TEST("overlong forms, surrogates and cut sequences are not") {
		CHECK(utf8_sequence("\xc0\x80", 2) == 0);
		CHECK(utf8_sequence("\xe0\x80\x80", 3) == 0);
		CHECK(utf8_sequence("\xed\xa0\x80", 3) == 0);
		CHECK(utf8_sequence("\xf4\x90\x80\x80", 4) == 0);
		CHECK(utf8_sequence("\xe2\x82", 2) == 0);
		CHECK(!utf8_valid("ok\xff", 3));
	}
	TEST("control characters are those that a terminal obeys") {
		CHECK(utf8_control("\x1b") && utf8_control("\x7f"));
		CHECK(utf8_control("\xc2\x80") && utf8_control("\xc2\x9f"));
		CHECK(!utf8_control("a") && !utf8_control("\xc2\xa0"));
		CHECK(!utf8_control("\xc3\x9b") && !utf8_control("\xe2\x82\xac"));
	}
	TEST("sanitizing keeps the length and what was good") {
		utf8_sanitize(out, "a\xff\xc3\xa9\0z", 6);
		CHECK_TEXT(out, "a?\xc3\xa9?z");
	}
	return (unit_end());
}
