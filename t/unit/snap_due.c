#include "snap/snap_due.h"
#include "unit.h"

#define NOW	INT64_C(1000000)
#define HOUR	3600
#define MOST	8

/* What snap_due() says of datasets whose newest snapshots are these, up to -1. */
static enum snap_due
due(const int64_t *newest, int64_t interval)
{
	struct snap_dataset datasets[MOST] = { { .name = NULL } };
	struct snap_set set = { .datasets = datasets };

	for (; newest[set.count] != -1; set.count++)
		datasets[set.count].newest = newest[set.count];
	return (snap_due(&set, interval, NOW));
}

#define DUE(...) due((const int64_t []){ __VA_ARGS__, -1 }, HOUR)

int
main(void)
{
	TEST("it is time when the newest is as old as the interval, to the second") {
		CHECK(DUE(NOW - HOUR) == SNAP_DUE);
		CHECK(DUE(NOW - HOUR + 1) == SNAP_NOT_DUE);
		CHECK(DUE(NOW - HOUR - 1) == SNAP_DUE);
		CHECK(DUE(NOW) == SNAP_NOT_DUE);
		CHECK(DUE(0) == SNAP_DUE);
	}
	TEST("the oldest of several decides") {
		CHECK(DUE(NOW, NOW - HOUR, NOW - 1) == SNAP_DUE);
		CHECK(DUE(NOW, NOW - HOUR + 1, NOW - 1) == SNAP_NOT_DUE);
	}
	TEST("one without a snapshot decides only if none has one") {
		CHECK(DUE(SNAP_NEVER) == SNAP_DUE);
		CHECK(DUE(SNAP_NEVER, SNAP_NEVER) == SNAP_DUE);
		CHECK(DUE(SNAP_NEVER, NOW - 1) == SNAP_NOT_DUE);
		CHECK(DUE(SNAP_NEVER, NOW - HOUR) == SNAP_DUE);
	}
	TEST("one from the future says nothing; if all are such, nobody does") {
		CHECK(DUE(NOW + 1, NOW - 1) == SNAP_NOT_DUE);
		CHECK(DUE(NOW + 1, NOW - HOUR) == SNAP_DUE);
		CHECK(DUE(NOW + 1, SNAP_NEVER) == SNAP_DUE);
		CHECK(DUE(NOW + 1) == SNAP_ALL_LATER);
		CHECK(DUE(NOW + 1, INT64_MAX) == SNAP_ALL_LATER);
	}
	TEST("what is left out does not count") {
		struct snap_dataset datasets[] = {
			{ .newest = 0, .choice = SNAP_LEFT_OUT }, { .newest = NOW - 1 }
		};
		struct snap_set set = { .datasets = datasets, .count = 2 };

		CHECK(snap_due(&set, HOUR, NOW) == SNAP_NOT_DUE);
		datasets[0].choice = SNAP_CHOSEN;
		CHECK(snap_due(&set, HOUR, NOW) == SNAP_DUE);
	}
	return (unit_end());
}
