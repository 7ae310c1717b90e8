#include "base/rate.h"
#include "unit.h"

int
main(void)
{
	struct rate rate = RATE_UNLIMITED;
	struct error error;
	uint64_t moved = 0;
	size_t now_allowed;

	TEST("no limit is no limit") {
		CHECK(rate_available(&rate, 0) == SIZE_MAX);
		CHECK(rate_ready_at(&rate, 7) == 7);
	}
	static const char *const bad[] = { "", "k", "1kk", "1kb", "0x800", " 2000",
	    "+2000", "2T", "1025G", "18014398509481985k", "99999999999999999999M" };

	TEST("a rate is a number with a unit, neither tiny nor absurd") {
		CHECK(rate_parse(&rate, "20M", &error) == 0);
		CHECK(rate.bytes_per_second == 20u << 20);
		CHECK(rate_parse(&rate, "100", &error) == -1);
		CHECK(rate_parse(&rate, "-1k", &error) == -1);
		CHECK(rate_parse(&rate, "1000000G", &error) == -1);
		CHECK(rate_parse(&rate, "fast", &error) == -1);
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(rate_parse(&rate, bad[i], &error) == -1);
		/* Not octal, and the same in capitals. */
		CHECK(rate_parse(&rate, "010k", &error) == 0);
		CHECK(rate.bytes_per_second == 10u << 10);
		CHECK(rate_parse(&rate, "010K", &error) == 0);
		CHECK(rate_parse(&rate, "1T", &error) == 0);
		CHECK(rate_parse(&rate, "2000", &error) == 0);
		CHECK(rate.bytes_per_second == 2000);
		CHECK(rate_parse(&rate, "", &error) == -1);
	}
	TEST("over ten seconds exactly the rate passes, whatever the clock's steps") {
		rate_parse(&rate, "100k", &error);
		for (int64_t now = 0; now <= 10000; now += 7) {
			now_allowed = rate_available(&rate, now);
			moved += now_allowed;
			rate_take(&rate, now_allowed);
		}
		CHECK(moved <= 10 * 102400);
		CHECK(moved >= 10 * 102400 - 2 * 2048);
	}
	TEST("after a pause no more than a tenth of a second's worth bursts") {
		CHECK(rate_available(&rate, 100000) <= 10240);
	}
	TEST("it says when to come back, and then there is something") {
		rate_take(&rate, rate_available(&rate, 100000));
		CHECK(rate_available(&rate, 100000) == 0);
		CHECK(rate_available(&rate, rate_ready_at(&rate, 100000)) > 0);
	}
	TEST("bytes that became more while they moved are waited for") {
		rate_take(&rate, rate_available(&rate, 200000) + 102400);
		CHECK(rate_available(&rate, 200900) == 0);
		CHECK(rate_ready_at(&rate, 200900) >= 201000);
		CHECK(rate_available(&rate, 201100) > 0);
	}
	TEST("a long wait for them counts in full") {
		rate_take(&rate, 30 * 102400);
		CHECK(rate_available(&rate, 205000) == 0);
		CHECK(rate_available(&rate, 232000) > 0);
	}
	return (unit_end());
}
