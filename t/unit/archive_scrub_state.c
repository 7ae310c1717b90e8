#include "archive/archive_scrub_state.h"
#include "unit.h"

static bool
is_past(const char *last, uint64_t guid, const char *filesystem, uint64_t other)
{
	struct scrub_state state = { .guid = guid };

	snprintf(state.filesystem, sizeof(state.filesystem), "%s", last);
	return (scrub_state_is_past(&state, filesystem, other));
}

static bool
is_state(const char *text)
{
	struct scrub_state state;

	return (scrub_state_parse(text, strlen(text), &state));
}

#define BEGAN "{\"began\":\"2026-11-30T01:00:00Z\",\"streams\":\"1\",\"bytes\":\"2\""

int
main(void)
{
	TEST("a pass that has read nothing is past nothing") {
		CHECK(!is_past("", 0, "a", 1));
	}
	TEST("in a filesystem snapshots go by guid, up to the one that was last") {
		CHECK(is_past("a/b", 7, "a/b", 6));
		CHECK(is_past("a/b", 7, "a/b", 7));
		CHECK(!is_past("a/b", 7, "a/b", 8));
	}
	TEST("a filesystem comes before those below it, and these before its siblings") {
		static const char *const order[] = { "-x", "a", "a/b", "a/b/c", "a/b c",
		    "a/b-", "a/b-/a", "a/b.c", "a/bb", "a ", "a-", "a-/b", "b" };
		const size_t count = sizeof(order) / sizeof(order[0]);

		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < count; j++)
				if (i != j)
					CHECK(is_past(order[i], 7, order[j], 7) == (j < i));
	}
	TEST("what is printed is parsed again, with the longest name too") {
		struct scrub_state state = { .began = 1, .streams = UINT64_MAX,
		    .bytes = UINT64_MAX, .guid = UINT64_MAX }, again;
		char text[SCRUB_STATE_MAX];
		size_t length;

		memset(state.filesystem, 'x', sizeof(state.filesystem) - 1);
		for (size_t i = 200; i < sizeof(state.filesystem) - 1; i += 200)
			state.filesystem[i] = '/';
		length = scrub_state_print(text, &state);
		CHECK(length < sizeof(text));
		CHECK(scrub_state_parse(text, length, &again));
		CHECK(memcmp(&state, &again, sizeof(state)) == 0);
	}
	TEST("what is no state is refused, and leaves none") {
		struct scrub_state state;

		CHECK(is_state(BEGAN "}"));
		CHECK(is_state(BEGAN ",\"finished\":\"2026-11-30T02:00:00Z\"}\n"));
		CHECK(is_state(BEGAN ",\"filesystem\":\"a/b\",\"guid\":\"1\"}"));
		CHECK(!is_state(""));
		CHECK(!is_state("{}"));
		CHECK(!is_state(BEGAN));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"a/b\"}"));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"a/b\",\"guid\":\"0\"}"));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"a/b\",\"guid\":1}"));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"\",\"guid\":\"1\"}"));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"a//b\",\"guid\":\"1\"}"));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"../a\",\"guid\":\"1\"}"));
		CHECK(!is_state(BEGAN ",\"filesystem\":\"a@b\",\"guid\":\"1\"}"));
		CHECK(!is_state(BEGAN ",\"finished\":\"soon\"}"));
		CHECK(!is_state("{\"began\":\"1969-12-31T23:59:59Z\",\"streams\":\"1\",\"bytes\":\"2\"}"));
		CHECK(!is_state("{\"began\":\"2026-11-30T01:00:00Z\",\"streams\":\"-1\",\"bytes\":\"2\"}"));
		scrub_state_parse(BEGAN ",\"filesystem\":\"a//b\",\"guid\":\"1\"}", 80, &state);
		CHECK(state.began == 0 && state.filesystem[0] == '\0');
	}
	return (unit_end());
}
