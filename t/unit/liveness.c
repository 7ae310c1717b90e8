#include "dataconn/liveness.h"
#include "unit.h"

int
main(void)
{
	struct liveness live;

	TEST("a heartbeat is due 5 s after our last frame, not before") {
		liveness_init(&live, 1000);
		CHECK(!liveness_heartbeat_due(&live, 5999));
		CHECK(liveness_heartbeat_due(&live, 6000));
		liveness_sent_frame(&live, 6000);
		CHECK(!liveness_heartbeat_due(&live, 10999));
		live.mute = true;
		CHECK(!liveness_heartbeat_due(&live, 20000));
	}
	TEST("10 s without a byte are the end while a read is pending") {
		liveness_init(&live, 0);
		liveness_pending(&live, true, false, false, 0);
		CHECK(liveness_failure(&live, 9999) == NULL);
		CHECK(liveness_failure(&live, 10000) != NULL);
		liveness_heard(&live, 9000);
		CHECK(liveness_failure(&live, 18999) == NULL);
	}
	TEST("no limit runs while a slow consumer keeps us from reading") {
		liveness_init(&live, 0);
		liveness_pending(&live, false, true, true, 0);
		CHECK(liveness_failure(&live, 60000) == NULL);
		liveness_pending(&live, true, false, false, 60000);
		CHECK(liveness_failure(&live, 69999) == NULL);
		CHECK(liveness_failure(&live, 70000) != NULL);
	}
	TEST("what is due is not renewed by what the peer sends") {
		liveness_init(&live, 0);
		liveness_pending(&live, true, false, false, 0);
		liveness_expect(&live, 30000, "late");
		for (int64_t now = 0; now < 30000; now += 1000) {
			liveness_heard(&live, now);
			CHECK(liveness_failure(&live, now) == NULL);
		}
		liveness_sent_frame(&live, 29000);
		CHECK(liveness_deadline(&live) == 30000);
		CHECK_TEXT(liveness_failure(&live, 30000), "late");
		liveness_expect(&live, INT64_MAX, NULL);
		CHECK(liveness_failure(&live, 30000) == NULL);
	}
	TEST("what the peer sends renews the write limit") {
		liveness_init(&live, 0);
		liveness_pending(&live, true, true, false, 0);
		liveness_heard(&live, 8000);
		CHECK(liveness_failure(&live, 17999) == NULL);
		CHECK(liveness_failure(&live, 18000) != NULL);
	}
	TEST("a half-closed peer that takes nothing is given up too") {
		liveness_init(&live, 0);
		liveness_pending(&live, false, true, false, 0);
		CHECK(liveness_deadline(&live) == 10000);
		CHECK(liveness_failure(&live, 10000) != NULL);
	}
	return (unit_end());
}
