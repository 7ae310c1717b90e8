#ifndef ZR_UNIT_H
#define ZR_UNIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A C test is a program of sentences: each TEST("behaviour") { ... } block
 * is one result in TAP; CHECK fails the block it stands in and goes on.
 *
 *	int main(void) {
 *		TEST("an empty banner is refused") {
 *			CHECK(banner_parse("", 0) == -1);
 *		}
 *		return (unit_end());
 *	}
 */
static int unit_number, unit_failed, unit_current_failed;
static const char *unit_name;

static inline void
unit_close(void)
{
	if (unit_name != NULL) {
		printf("%sok %d - %s\n", unit_current_failed ? "not " : "",
		    ++unit_number, unit_name);
		unit_failed += unit_current_failed;
	}
	unit_name = NULL;
}

static inline int
unit_open(const char *name)
{
	unit_close();
	unit_name = name;
	unit_current_failed = 0;
	return (1);
}

static inline int
unit_end(void)
{
	unit_close();
	printf("1..%d\n", unit_number);
	return (unit_failed != 0);
}

#define TEST(name) if (unit_open(name))
#define CHECK(condition) do {						\
	if (!(condition)) {						\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);	\
		unit_current_failed = 1;				\
	}								\
} while (0)
#define CHECK_TEXT(got, want) do {					\
	const char *got_ = (got), *want_ = (want);			\
	if (strcmp(got_, want_) != 0) {					\
		printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__,	\
		    __LINE__, #got, got_, want_);			\
		unit_current_failed = 1;				\
	}								\
} while (0)

#endif
