/* Rules of retention: their syntax, zrepl's ties and edges, and the floor. */
#include "unit.h"
#include "retention/retention.h"

static struct rules
rules_of(const char *const lines[])
{
	struct rules rules = { .rules = NULL };
	struct error error;

	for (; *lines != NULL; lines++)
		CHECK(rules_add(&rules, *lines, strlen(*lines), &error) == 0);
	return (rules);
}

static bool
is_rule(const char *line)
{
	struct rules rules = { .rules = NULL };
	struct error error;
	const bool valid = rules_add(&rules, line, strlen(line), &error) == 0;

	CHECK(valid || error.code == EXIT_USAGE);
	CHECK(rules.count == valid);
	rules_free(&rules);
	return (valid);
}

static void
syntax(void)
{
	static const char *const valid[] = {
		"grid . 1x1h", " grid\t.  1x1h ", "grid . 1x1h(keep=all) | 24x1h | 14x1d",
		"grid . 1 x 1 h ( keep=3) |2x+1d(keep=1)|1x1w", "grid ^a|b$ 1x1s",
		"grid . 3x1d(keep=all)|1x1h", "grid . 1x1m|1x1m", "grid . 1000000x1s",
		"last_n 1", "last_n 3 ^a", "last_n 1000000000", "regex .", "regex \\s",
		"not_regex ^a", "not_replicated", "not_replicated drop_cursor"
	};
	static const char *const invalid[] = {
		"", " ", "#", "grid", "grid .", "grid . ", "grid 1x1h", "grid ( 1x1h",
		"grid . 1", "grid . 1x", "grid . x1h", "grid . 0x1h", "grid . -1x1h",
		"grid . 1x0h", "grid . 1x-1h", "grid . 1x1", "grid . 1xh", "grid . 1x1y",
		"grid . 1x1month", "grid . 1x1.5h", "grid . 1x1h30m", "grid . 1x++1h",
		"grid . 1x+ 1h", "grid . 1x1h|", "grid . |1x1h", "grid . 1x1h||1x1h",
		"grid . 1x1h,1x1h", "grid . 1x1h()", "grid . 1x1h(keep=0)",
		"grid . 1x1h(keep=-5)", "grid . 1x1h(keep=)", "grid . 1x1h(keep=all )",
		"grid . 1x1h(keep =1)", "grid . 1x1h(keep= 1)", "grid . 1x1h(keep=1",
		"grid . 1x1h(keep=all)(keep=1)", "grid . 1x1h keep=1", "grid . 1x1h)",
		"grid . 1x1h(keep=ALL)", "grid . 1x1h(keep=1.5)",
		"grid . 1x1d|1x1h", "grid . 1x1h(keep=all)|1x1d|1x1h",
		"grid . 1000001x1s", "grid . 999999x1s|2x1s", "grid . 1x1h|1000000x1h",
		"grid . 18446744073709551617x1h", "grid . 1x18446744073709551617s",
		"grid . 1x9223372036854775807w", "grid . 1x400000000d",
		"grid . 1x1h(keep=18446744073709551616)", "grid . 1x1h(keep=1000000001)",
		"last_n", "last_n 0", "last_n -1", "last_n x", "last_n 1000000001",
		"last_n 1 a b", "last_n 1 (", "regex", "regex a b", "regex *",
		"not_regex", "not_replicated x", "not_replicated drop_cursor x",
		"gird . 1x1h", "GRID . 1x1h", "keep all", "regex a\001", "regex a\r",
		"regex \303", "regex \\C"
	};
	char line[RULES_LINE_MAX + 64] = "regex ";

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		if (!is_rule(valid[i]))
			CHECK_TEXT("refused", valid[i]);
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		if (is_rule(invalid[i]))
			CHECK_TEXT("accepted", invalid[i]);
	memset(line + 6, 'a', RULES_LINE_MAX - 6);
	CHECK(is_rule(line));
	line[RULES_LINE_MAX] = 'a';
	CHECK(!is_rule(line));
}

static void
limits(void)
{
	struct rules rules = { .rules = NULL };
	char line[4096] = "grid . 1x1h";
	struct error error;

	for (int i = 1; i < RULES_INTERVALS_MAX; i++)
		strcat(line, "|1x1h");
	CHECK(is_rule(line));
	strcat(line, "|1x1h");
	CHECK(!is_rule(line));
	for (int i = 0; i < RULES_MAX; i++)
		CHECK(rules_add(&rules, "regex a", 7, &error) == 0);
	CHECK(rules_add(&rules, "regex a", 7, &error) == -1);
	CHECK(rules_add(&rules, "regex\0a", 7, &error) == -1);
	CHECK(rules.count == RULES_MAX);
	CHECK(rules_have(&rules, RULE_REGEX) && !rules_have(&rules, RULE_GRID));
	rules_free(&rules);
	CHECK(rules_add(&rules, "regex \0", 7, &error) == -1);
}

/* The names that are kept, of snapshots in the order of their createtxg. */
struct set {
	struct { const char *name; int64_t creation; uint64_t createtxg; } of[12];
};

static const char *
kept(const char *const lines[], const struct set *set, bool floor, int64_t now)
{
	static char names[256];
	struct retained snapshots[12] = { { .name = NULL } };
	struct rules rules = rules_of(lines);
	struct error error;
	size_t count;

	for (count = 0; set->of[count].name != NULL; count++)
		snapshots[count] = (struct retained){ .name = set->of[count].name,
		    .creation = set->of[count].creation,
		    .createtxg = set->of[count].createtxg != 0 ?
		    set->of[count].createtxg : count + 1, .by = 77, .bucket = 77 };
	CHECK((floor ? retention_apply_floor(&rules, snapshots, count, now, &error) :
	    retention_apply(&rules, snapshots, count, &error)) == 0);
	names[0] = '\0';
	for (size_t i = 0; i < count; i++)
		if (snapshots[i].by != 0)
			strcat(names, snapshots[i].name);
	rules_free(&rules);
	return (names);
}

#define RULES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define KEEPS(names, rules, ...) CHECK_TEXT(kept(rules, \
	&(struct set){ { __VA_ARGS__ } }, false, 0), names)
#define FLOOR_KEEPS(names, rules, now, ...) CHECK_TEXT(kept(rules, \
	&(struct set){ { __VA_ARGS__ } }, true, now), names)

static void
grids(void)
{
	/* The old edge belongs to the older bucket. */
	KEEPS("bcd", RULES("grid . 3x10s"), { "a", 0, 0 }, { "b", 1, 0 },
	    { "c", 20, 0 }, { "d", 30, 0 });
	KEEPS("cd", RULES("grid . 2x10s"), { "a", 5, 0 }, { "b", 10, 0 },
	    { "c", 11, 0 }, { "d", 30, 0 });
	/* The oldest stay, K of them, in each bucket. */
	KEEPS("ad", RULES("grid . 2x10s"), { "a", 11, 0 }, { "b", 20, 0 },
	    { "c", 12, 0 }, { "d", 21, 0 }, { "e", 30, 0 });
	KEEPS("acde", RULES("grid . 2x10s(keep=2)"), { "a", 11, 0 }, { "b", 20, 0 },
	    { "c", 12, 0 }, { "d", 21, 0 }, { "e", 30, 0 });
	/* At the same second the greatest createtxg stays. */
	KEEPS("c", RULES("grid . 1x10s"), { "a", 5, 0 }, { "b", 5, 0 }, { "c", 5, 0 });
	/* Counted from the youngest that matches. */
	KEEPS("a", RULES("grid a 1x10s"), { "a", 0, 0 }, { "b", 1000, 0 });
	/* It may be anywhere in time. */
	KEEPS("b", RULES("grid . 1x10s"), { "a", INT64_MIN, 0 }, { "b", INT64_MAX, 0 });
	KEEPS("ab", RULES("grid . 1000000x1s(keep=all)"), { "a", -999999, 0 },
	    { "b", 0, 0 });
	KEEPS("b", RULES("grid . 1000000x1s"), { "a", -1000000, 0 }, { "b", 0, 0 });
}

static void
others(void)
{
	KEEPS("bd", RULES("last_n 2"), { "b", 7, 0 }, { "a", 7, 0 }, { "d", 9, 0 },
	    { "0", 1, 0 });
	KEEPS("ab", RULES("last_n 5 [ab]"), { "a", 1, 0 }, { "b", 2, 0 }, { "c", 3, 0 });
	KEEPS("ac", RULES("regex a", "not_regex a|b"), { "a", 1, 0 }, { "b", 2, 0 },
	    { "c", 3, 0 });
	KEEPS("", RULES("regex x"), { "a", 1, 0 });
	/* All rules see all snapshots. */
	KEEPS("abc", RULES("grid . 1x1h", "last_n 2"), { "a", 1, 0 }, { "b", 2, 0 },
	    { "c", 3, 0 });
}

static void
replicated(const char *want, const char *rule, bool has_cursor, uint64_t cursor)
{
	const uint64_t guids[] = { 30, 10, 20, 40 };
	struct retained snapshots[] = { { .name = "c", .createtxg = 3 },
		{ .name = "a", .createtxg = 1 }, { .name = "b", .createtxg = 2 },
		{ .name = "d", .createtxg = 4 } };
	struct rules rules = rules_of(RULES("not_replicated", rule));
	struct error error;
	char names[8] = "";

	retention_mark_replicated(snapshots, guids, 4, has_cursor, cursor, &rules);
	CHECK(retention_apply(&rules, snapshots, 4, &error) == 0);
	for (size_t i = 0; i < 4; i++)
		if (snapshots[i].by != 0)
			strcat(names, snapshots[i].name);
	CHECK_TEXT(names, want);
	rules_free(&rules);
}

static void
floors(void)
{
	/* Counted from now, not from the youngest; the first that arrived stays. */
	FLOOR_KEEPS("a", RULES("grid . 1x10s"), 9, { "a", 0, 0 }, { "b", 5, 0 });
	FLOOR_KEEPS("b", RULES("grid . 1x10s"), 10, { "a", 0, 0 }, { "b", 5, 0 });
	FLOOR_KEEPS("", RULES("grid . 1x10s"), 15, { "a", 0, 0 }, { "b", 5, 0 });
	/* One that comes later and is dated before takes no place of it. */
	FLOOR_KEEPS("ab", RULES("grid . 1x10s"), 9, { "a", 5, 0 }, { "b", 3, 0 });
	FLOOR_KEEPS("abc", RULES("grid . 1x10s"), 9, { "a", 5, 0 }, { "b", 4, 0 },
	    { "c", 3, 0 }, { "d", 3, 0 });
	/* Dated in the future: kept, and in nobody's place. */
	FLOOR_KEEPS("ab", RULES("grid . 1x10s"), 9, { "a", 100, 0 }, { "b", 3, 0 });
	FLOOR_KEEPS("b", RULES("grid . 1x10s"), 9, { "b", 3, 0 }, { "c", 100, 0 });
	/* The same createtxg: in the order of their dates, none in doubt. */
	FLOOR_KEEPS("b", RULES("grid . 1x10s"), 9, { "a", 5, 7 }, { "b", 3, 7 });
	FLOOR_KEEPS("a", RULES("grid . 1x10s"), 9, { "b", 5, 7 }, { "a", 5, 7 });
	/* last_n counts arrivals, without those in doubt. */
	FLOOR_KEEPS("cd", RULES("last_n 2"), 9, { "a", 1, 0 }, { "b", 2, 0 },
	    { "c", 3, 0 }, { "d", 4, 0 });
	FLOOR_KEEPS("bcd", RULES("last_n 2"), 9, { "a", 1, 0 }, { "b", 2, 0 },
	    { "c", 3, 0 }, { "d", 40, 0 });
	FLOOR_KEEPS("b", RULES("regex b"), 9, { "a", 1, 0 }, { "b", 2, 0 });
}

static void
without_rules(void)
{
	struct retained snapshot = { .name = "a" };
	struct rules rules = { .rules = NULL };
	struct error error;

	CHECK(retention_apply(&rules, &snapshot, 1, &error) == 0);
	CHECK(snapshot.by == RETAINED_WITHOUT_RULES);
	snapshot.by = 0;
	CHECK(retention_apply_floor(&rules, &snapshot, 1, 0, &error) == 0);
	CHECK(snapshot.by == RETAINED_WITHOUT_RULES);
	CHECK(retention_apply(&rules, NULL, 0, &error) == 0);
}

static void
too_long(void)
{
	struct retained snapshot = { .name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" };
	struct rules rules = rules_of(RULES("regex .", "regex ^(a+)+$"));
	struct error error;

	CHECK(retention_apply(&rules, &snapshot, 1, &error) == -1);
	CHECK(error.code == EXIT_FAILED);
	rules_free(&rules);
}

int
main(void)
{
	TEST("a rule, and what is none")
		syntax();
	TEST("how many, and how long")
		limits();
	TEST("grids: edges, ties, the youngest")
		grids();
	TEST("last_n, regex, not_regex, and several rules")
		others();
	TEST("not_replicated: up to the cursor, itself with drop_cursor in any rule") {
		replicated("cbd", "not_replicated", true, 20);
		replicated("cd", "not_replicated drop_cursor", true, 20);
		replicated("cabd", "not_replicated", true, 10);
		replicated("d", "not_replicated", true, 40);
		replicated("", "not_replicated drop_cursor", true, 40);
		replicated("cabd", "not_replicated drop_cursor", true, 50);
		replicated("cabd", "not_replicated drop_cursor", false, 20);
	}
	TEST("the floor: our clock, the order of arrival, snapshots in doubt")
		floors();
	TEST("no rule keeps everything")
		without_rules();
	TEST("an expression that takes too long is an error, not a decision")
		too_long();
	return (unit_end());
}
