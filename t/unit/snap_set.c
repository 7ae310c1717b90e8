#include "snap/snap_set.h"
#include "unit.h"

#define MOST 16

/* The datasets that are left of a request, with blanks between; "refused". */
static const char *
collapsed(bool recursive, const char *words, const char *left_out)
{
	static char text[1024];
	char copy[1024];
	const char *names[MOST];
	struct snap_request request = { .datasets = names, .recursive = recursive,
	    .left_out = &left_out, .left_out_count = left_out != NULL };
	struct error error = { .code = EXIT_DONE };

	strcpy(copy, words);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		names[request.count++] = word;
	if (snap_request_collapse(&request, &error) == -1)
		return (error.code == EXIT_USAGE ? "refused" : "failed");
	text[0] = '\0';
	for (size_t i = 0; i < request.count; i++) {
		strcat(text, i > 0 ? " " : "");
		strcat(text, names[i]);
	}
	return (text);
}

int
main(void)
{
	TEST("one that comes twice comes once") {
		CHECK_TEXT(collapsed(false, "t/b t/a t/b t/b", NULL), "t/a t/b");
		CHECK_TEXT(collapsed(true, "t/b t/a t/b", NULL), "t/a t/b");
	}
	TEST("below another is left only without -r") {
		CHECK_TEXT(collapsed(false, "t/a t t/a/b", NULL), "t t/a t/a/b");
		CHECK_TEXT(collapsed(true, "t/a t t/a/b", NULL), "t");
	}
	TEST("a name that only begins like another is not below it") {
		CHECK_TEXT(collapsed(true, "t t-x t/a t.y t-x/b tt", NULL), "t t-x t.y tt");
		CHECK_TEXT(collapsed(true, "t/a t/a-b t/a/c", NULL), "t/a t/a-b");
	}
	TEST("what is left out must be below one of them, and leave something of each") {
		CHECK_TEXT(collapsed(true, "t", "t/a"), "t");
		CHECK_TEXT(collapsed(true, "t/b t", "t/b"), "t");
		CHECK_TEXT(collapsed(true, "t", "t"), "refused");
		CHECK_TEXT(collapsed(true, "t/a t/b", "t"), "refused");
		CHECK_TEXT(collapsed(true, "t/a t/b", "t/b"), "refused");
		CHECK_TEXT(collapsed(true, "t", "tt"), "refused");
		CHECK_TEXT(collapsed(true, "t", "u/a"), "refused");
	}
	TEST("within is by components") {
		CHECK(snap_is_within("t/a", "t"));
		CHECK(snap_is_within("t", "t"));
		CHECK(!snap_is_within("ta", "t"));
		CHECK(!snap_is_within("t", "t/a"));
	}
	return (unit_end());
}
