#include "base/pace.h"
#include "unit.h"

#define WINDOW_MS 60000

/* How many minutes a reader lives that takes this many bytes a second, once a second. */
static int64_t
minutes(size_t bytes)
{
	struct pace pace;
	int64_t now = 0;

	pace_start(&pace, WINDOW_MS, now);
	while (now < pace_deadline(&pace) && now < 600 * 60000) {
		now += 1000;
		pace_moved(&pace, bytes, now);
	}
	return (now / 60000);
}

int
main(void)
{
	TEST("a reader that takes a byte now and then is given up after a window") {
		CHECK(minutes(0) == 1);
		CHECK(minutes(1) == 1);
		CHECK(minutes(PACE_LEAST - 100) == 1);
	}
	TEST("one that takes the least, or what a slow link carries, is waited for") {
		CHECK(minutes(PACE_LEAST) == 600);
		CHECK(minutes(1000000 / 8 / 16) == 600);
	}
	TEST("what was taken at once is no credit for later") {
		struct pace pace;

		pace_start(&pace, WINDOW_MS, 0);
		pace_moved(&pace, 100 << 20, 5000);
		CHECK(pace_deadline(&pace) == 5000 + WINDOW_MS);
	}
	return (unit_end());
}
