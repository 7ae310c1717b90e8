/* What of the holds and bookmarks that replication left is stale, and why. */
#include "holds/leftover.h"
#include "unit.h"

#define MAX 16

static struct leftover items[MAX];
static size_t count;

static void
add(const char *name, enum leftover_kind kind, const char *job, uint64_t txg)
{
	items[count++] = (struct leftover){ .name = name,
	    .filesystem_length = strcspn(name, "@#"), .kind = kind, .job = job,
	    .createtxg = txg };
}

static const struct leftover *
find(const char *name, enum leftover_kind kind, const char *job)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(items[i].name, name) == 0 && items[i].kind == kind &&
		    strcmp(items[i].job, job) == 0)
			return (&items[i]);
	printf("# no %s\n", name);
	exit(1);
}

/* Judged, in the order given and backwards. */
static void
judge(void)
{
	struct leftover swap;

	for (size_t i = 0; i < count / 2; i++) {
		swap = items[i];
		items[i] = items[count - 1 - i];
		items[count - 1 - i] = swap;
	}
	leftover_judge(items, count);
	leftover_judge(items, count);
}

static int
stale(const char *name, enum leftover_kind kind)
{
	return ((int)find(name, kind, "web")->stale);
}

int
main(void)
{
	char text[LEFTOVER_REASON_SIZE];

	TEST("a cursor is stale once the job has a newer one") {
		count = 0;
		add("p/a#c1", LEFTOVER_CURSOR, "web", 10);
		add("p/a#c2", LEFTOVER_CURSOR, "web", 20);
		add("p/a#c0", LEFTOVER_CURSOR, "other", 5);
		add("p/b#c0", LEFTOVER_CURSOR, "web", 5);
		judge();
		CHECK(stale("p/a#c1", LEFTOVER_CURSOR) == LEFTOVER_OLDER_CURSOR);
		CHECK(stale("p/a#c2", LEFTOVER_CURSOR) == LEFTOVER_IN_USE);
		CHECK(stale("p/b#c0", LEFTOVER_CURSOR) == LEFTOVER_IN_USE);
		CHECK(find("p/a#c0", LEFTOVER_CURSOR, "other")->stale ==
		    LEFTOVER_IN_USE);
		leftover_reason(find("p/a#c1", LEFTOVER_CURSOR, "web"), text);
		CHECK_TEXT(text, "the job's cursor c2 is newer");
		leftover_reason(find("p/a#c2", LEFTOVER_CURSOR, "web"), text);
		CHECK_TEXT(text, "");
	}
	TEST("a bookmark with another guid is stale and makes nothing stale") {
		count = 0;
		add("p/a#c1", LEFTOVER_CURSOR, "web", 10);
		add("p/a#c9", LEFTOVER_CURSOR, "web", 90);
		items[1].stale = LEFTOVER_WRONG_GUID;
		add("p/a@1", LEFTOVER_STEP_HOLD, "web", 20);
		judge();
		CHECK(stale("p/a#c1", LEFTOVER_CURSOR) == LEFTOVER_IN_USE);
		CHECK(stale("p/a#c9", LEFTOVER_CURSOR) == LEFTOVER_WRONG_GUID);
		CHECK(stale("p/a@1", LEFTOVER_STEP_HOLD) == LEFTOVER_IN_USE);
	}
	TEST("the holds of a step are stale once the cursor is as new") {
		count = 0;
		add("p/a@1", LEFTOVER_STEP_HOLD, "web", 10);
		add("p/a@2", LEFTOVER_STEP_HOLD, "web", 20);
		add("p/a#c", LEFTOVER_CURSOR, "web", 20);
		judge();
		CHECK(stale("p/a@1", LEFTOVER_STEP_HOLD) == LEFTOVER_STEP_DONE);
		CHECK(stale("p/a@2", LEFTOVER_STEP_HOLD) == LEFTOVER_STEP_DONE);
	}
	TEST("what may be of a step under way is not stale") {
		count = 0;
		add("p/a@1", LEFTOVER_STEP_HOLD, "web", 10);
		add("p/a@2", LEFTOVER_STEP_HOLD, "web", 20);
		add("p/a#c", LEFTOVER_CURSOR, "web", 10);
		add("p/a#t1", LEFTOVER_TENTATIVE_CURSOR, "web", 10);
		add("p/a#t2", LEFTOVER_TENTATIVE_CURSOR, "web", 20);
		judge();
		for (size_t i = 0; i < count; i++)
			CHECK(items[i].stale == LEFTOVER_IN_USE);
	}
	TEST("a first step, without a cursor, is not stale") {
		count = 0;
		add("p/a@1", LEFTOVER_STEP_HOLD, "web", 10);
		add("p/a#t", LEFTOVER_TENTATIVE_CURSOR, "web", 10);
		judge();
		CHECK(items[0].stale == LEFTOVER_IN_USE);
		CHECK(items[1].stale == LEFTOVER_IN_USE);
	}
	TEST("of more than two, the older ones are of an earlier step") {
		count = 0;
		for (size_t i = 0; i < 4; i++)
			add((const char *const []){ "p/a#1", "p/a#2", "p/a#3",
			    "p/a#4" }[i], LEFTOVER_TENTATIVE_CURSOR, "web", 10 * i);
		judge();
		CHECK(stale("p/a#1", LEFTOVER_TENTATIVE_CURSOR) == LEFTOVER_OLDER_STEP);
		CHECK(stale("p/a#2", LEFTOVER_TENTATIVE_CURSOR) == LEFTOVER_OLDER_STEP);
		CHECK(stale("p/a#3", LEFTOVER_TENTATIVE_CURSOR) == LEFTOVER_IN_USE);
		CHECK(stale("p/a#4", LEFTOVER_TENTATIVE_CURSOR) == LEFTOVER_IN_USE);
	}
	TEST("a last-received hold is stale once the job holds a later one") {
		count = 0;
		add("p/a@1", LEFTOVER_LAST_RECEIVED_HOLD, "web", 10);
		add("p/a@2", LEFTOVER_LAST_RECEIVED_HOLD, "web", 20);
		add("p/a@1", LEFTOVER_LAST_RECEIVED_HOLD, "other", 10);
		add("p/a@1", LEFTOVER_STEP_HOLD, "web", 10);
		judge();
		CHECK(stale("p/a@1", LEFTOVER_LAST_RECEIVED_HOLD) ==
		    LEFTOVER_OLDER_RECEIVED);
		CHECK(stale("p/a@2", LEFTOVER_LAST_RECEIVED_HOLD) == LEFTOVER_IN_USE);
		CHECK(stale("p/a@1", LEFTOVER_STEP_HOLD) == LEFTOVER_IN_USE);
		CHECK(find("p/a@1", LEFTOVER_LAST_RECEIVED_HOLD, "other")->stale ==
		    LEFTOVER_IN_USE);
	}
	TEST("a filesystem's are together and not its neighbours'") {
		count = 0;
		add("p/a/b#c", LEFTOVER_CURSOR, "web", 30);
		add("p/a#c", LEFTOVER_CURSOR, "web", 10);
		add("p/a b#c", LEFTOVER_CURSOR, "web", 20);
		add("p#c", LEFTOVER_CURSOR, "web", 40);
		judge();
		for (size_t i = 0; i < count; i++)
			CHECK(items[i].stale == LEFTOVER_IN_USE);
		CHECK_TEXT(items[0].name, "p#c");
	}
	TEST("nothing is judged without crashing") {
		leftover_judge(NULL, 0);
	}
	TEST("kinds have names, both ways") {
		for (enum leftover_kind kind = 0; kind < LEFTOVER_KINDS; kind++)
			CHECK(leftover_kind_by_name(leftover_kind_name(kind)) == kind);
		CHECK(leftover_kind_by_name("") == LEFTOVER_KINDS);
	}
	return (unit_end());
}
