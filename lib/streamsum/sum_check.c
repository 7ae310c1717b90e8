#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/lines.h"
#include "streamsum/sum_check.h"

struct sum_check {
	int fd;
	const char *name;
	struct lines lines;
	struct sum_line next;		/* of the file */
	bool have_next, have_parts;
	size_t differences;
};

struct sum_check *
sum_check_new(int fd, const char *name)
{
	struct sum_check *check = calloc(1, sizeof(*check));

	if (check == NULL)
		return (NULL);
	check->fd = fd;
	check->name = name;
	check->lines = LINES_EMPTY(SUM_LINE_MAX);
	return (check);
}

/* The file's next line; NULL at its end. */
static int
read_line(struct sum_check *check, const char **text, size_t *length, struct error *error)
{
	while ((*text = lines_next(&check->lines, length)) == NULL) {
		if (lines_done(&check->lines))
			return (0);
		if (lines_read(&check->lines, check->fd, error) == -1)
			return (error_prefix(error, "%s", check->name));
	}
	return (0);
}

/* Have the file's next line. */
static int
look(struct sum_check *check, struct error *error)
{
	const char *text;
	size_t length;

	if (check->have_next)
		return (0);
	if (read_line(check, &text, &length, error) == -1)
		return (-1);
	if (text == NULL)
		return (error_set(error, EXIT_FAILED,
		    "%s: its last line, the sum, is missing", check->name));
	if (sum_line_parse(&check->next, text, length, error) == -1)
		return (error_prefix(error, "%s", check->name));
	check->have_next = true;
	check->have_parts = check->have_parts || check->next.is_part;
	return (0);
}

static int
expect_end(struct sum_check *check, struct error *error)
{
	const char *text;
	size_t length;

	if (read_line(check, &text, &length, error) == -1)
		return (-1);
	return (text == NULL ? 0 : error_set(error, EXIT_FAILED,
	    "%s: text follows its last line, the sum", check->name));
}

static void
differs(struct sum_check *check, const struct stream_part *part, const char *how)
{
	check->differences++;
	diag("%s %" PRIu64 " %s", part->is_range ? "range" : "object", part->number, how);
}

static int
check_part(struct sum_check *check, const struct sum_line *line, struct error *error)
{
	const struct stream_part *part = &line->of.part;

	for (;;) {
		if (look(check, error) == -1)
			return (-1);
		if (!check->have_parts)
			return (0);
		switch (sum_line_compare(&check->next, line)) {
		case SUM_ONLY_FIRST:
			differs(check, &check->next.of.part, "is missing in the stream");
			check->have_next = false;
			continue;
		case SUM_ONLY_SECOND:
			differs(check, part, "is only in the stream");
			return (0);
		case SUM_DIFFERS:
			differs(check, part, "differs");
			break;
		case SUM_EQUAL:
			break;
		}
		check->have_next = false;
		return (0);
	}
}

/* Can the two be compared? */
static int
check_kind(const struct sum_check *check, const struct stream_sum *wanted,
    const struct stream_sum *sum, struct error *error)
{
	if (wanted->guid != sum->guid)
		return (error_set(error, EXIT_FAILED, "%s is of another snapshot: its guid is %"
		    PRIu64 ", the stream's %" PRIu64, check->name, wanted->guid, sum->guid));
	if (wanted->kind != sum->kind)
		return (error_set(error, EXIT_FAILED, "%s is a %s sum, the stream is %s: "
		    "send both with -w, or both without", check->name,
		    sum_line_kind(wanted->kind), sum_line_kind(sum->kind)));
	return (0);
}

int
sum_check_begin(const struct sum_check *check, const struct stream_sum *sum,
    struct error *error)
{
	char end[SUM_LINE_MAX + 1] = "";
	struct sum_line last;
	struct stat st;
	size_t length;
	char *line;

	if (fstat(check->fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    pread(check->fd, end, sizeof(end) - 1,
	    st.st_size < SUM_LINE_MAX ? 0 : st.st_size - SUM_LINE_MAX) == -1)
		return (0);
	length = strlen(end);
	if (length > 0 && end[length - 1] == '\n')
		end[length - 1] = '\0';
	line = strrchr(end, '\n');
	line = line == NULL ? end : line + 1;
	/* Whatever is wrong with it is found when it is its turn. */
	if (sum_line_parse(&last, line, strlen(line), error) == -1 || last.is_part)
		return (0);
	return (check_kind(check, &last.of.sum, sum, error));
}

static int
check_sum(struct sum_check *check, const struct stream_sum *sum, struct error *error)
{
	const struct stream_sum *wanted = &check->next.of.sum;

	while (look(check, error) == 0 && check->next.is_part) {
		check->have_next = false;
		differs(check, &check->next.of.part, "is missing in the stream");
	}
	if (!check->have_next || check_kind(check, wanted, sum, error) == -1)
		return (-1);
	if (memcmp(wanted->digest, sum->digest, sizeof(sum->digest)) == 0)
		return (check->differences == 0 ? expect_end(check, error) :
		    error_set(error, EXIT_FAILED, "%s contradicts itself: the sum is the "
		    "same, but not its parts", check->name));
	if (check->have_parts)
		return (error_set(error, EXIT_FAILED, "the snapshots differ, in %zu parts",
		    check->differences));
	return (error_set(error, EXIT_FAILED,
	    "the snapshots differ; with a %s made by -v the objects are named", check->name));
}

int
sum_check_line(struct sum_check *check, const struct sum_line *line, struct error *error)
{
	return (line->is_part ? check_part(check, line, error) :
	    check_sum(check, &line->of.sum, error));
}

void
sum_check_free(struct sum_check *check)
{
	if (check == NULL)
		return;
	lines_free(&check->lines);
	free(check);
}
