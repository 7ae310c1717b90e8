#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "replicate/amount.h"
#include "replicate/table.h"

#define LINE_BYTES	1024

/* Where the lines go. */
struct screen {
	struct buffer *text;
	bool complete;		/* for any reader: no limits, no escape sequences */
	int columns;
	int rows;		/* that may be drawn */
	int drawn;		/* lines */
	bool failed;		/* one did not fit */
};

static int terminal = -1;
static int on_screen;		/* lines that are there */

/* --- the terminal --- */

static void
put(const char *text, size_t length)
{
	struct error error;

	io_write_all(terminal, text, length, IO_FOREVER, &error);
}

#define ERASE_SIZE 32	/* bytes */

/* What takes the table off the screen; nothing is there afterwards. */
static const char *
erase(char text[ERASE_SIZE])
{
	if (on_screen == 0)
		return ("\r");
	snprintf(text, ERASE_SIZE, "\033[%dA\r\033[J", on_screen);
	on_screen = 0;
	return (text);
}

void
table_clear(void)
{
	char text[ERASE_SIZE];

	if (on_screen == 0)
		return;
	erase(text);
	put(text, strlen(text));
}

bool
table_open(int fd)
{
	if (isatty(fd) != 1)
		return (false);
	terminal = fd;
	setlocale(LC_CTYPE, "C.UTF-8");
	diag_before_line(table_clear);
	return (true);
}

/* How many bytes of text fill at most this many columns. */
static size_t
fitting(const char *text, int columns)
{
	mbstate_t state = { 0 };
	const char *at = text;
	size_t length;
	wchar_t wide;
	int width;

	while (*at != '\0') {
		length = mbrtowc(&wide, at, strlen(at), &state);
		width = length > 4 ? -1 : wcwidth(wide);
		if (length > 4 || width < 0) {
			/* Not a character here: a byte, as wide as one may be. */
			memset(&state, 0, sizeof(state));
			length = 1;
			width = 2;
		}
		if (width > columns)
			break;
		columns -= width;
		at += length;
	}
	return ((size_t)(at - text));
}

/* A line: left, cut to what right leaves, and right, if there is room for it. */
static void
add_line(struct screen *screen, const char *left, const char *right)
{
	const int reserved = (int)strlen(right);
	char encoded[4 * LINE_BYTES];
	int room = screen->columns - 1;
	size_t length;

	if (!screen->complete && screen->drawn == screen->rows)
		return;
	length = quote_line(encoded, sizeof(encoded), left, strlen(left));
	if (!screen->complete) {
		if (room > 2 * reserved)
			room -= reserved;
		else
			right = "";
		length = fitting(encoded, room);
	}
	if (buffer_append(screen->text, encoded, length) == -1 ||
	    buffer_append(screen->text, right, strlen(right)) == -1 ||
	    (!screen->complete && buffer_append(screen->text, "\033[K", 3) == -1) ||
	    buffer_append(screen->text, "\n", 1) == -1)
		screen->failed = true;
	screen->drawn++;
}

static void
measure(struct screen *screen)
{
	struct winsize size;

	if (ioctl(terminal, TIOCGWINSZ, &size) == -1 || size.ws_row == 0 ||
	    size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	screen->columns = size.ws_col;
	screen->rows = size.ws_row > 1 ? size.ws_row - 1 : 0;
}

/* --- what is drawn --- */

/* " 512 MiB   43%  98 MiB/s" */
static void
describe_progress(char *text, size_t size, const struct table_step *step)
{
	char amount[AMOUNT_SIZE], rate[AMOUNT_SIZE], percent[8] = "?";
	const double per_second = step->ms < 1 ? 0 :
	    (double)step->bytes * 1000 / (double)step->ms;

	if (step->size != 0)
		snprintf(percent, sizeof(percent), "%d%%", step->bytes >= step->size ?
		    100 : (int)((double)step->bytes * 100 / (double)step->size));
	snprintf(text, size, " %8s %5s %8s/s",
	    amount_of_bytes(amount, step->bytes), percent, amount_of_bytes(rate,
	    per_second < (double)INT64_MAX ? (uint64_t)per_second : INT64_MAX));
}

static void
add_steps(struct screen *screen, const struct table *table)
{
	char left[LINE_BYTES], right[64];

	for (size_t i = 0; i < table->step_count; i++) {
		const struct table_step *step = &table->steps[i];

		/* The last two lines are for those that wait, and the totals. */
		if (!screen->complete && screen->drawn + 2 >= screen->rows)
			return;
		snprintf(left, sizeof(left), "%s @%s", step->filesystem, step->to);
		describe_progress(right, sizeof(right), step);
		add_line(screen, left, right);
	}
}

static void
add_waiting(struct screen *screen, const struct table *table)
{
	char text[256];

	if (table->ready + table->again + table->completion > 0) {
		snprintf(text, sizeof(text), "waiting: %zu for their turn, %zu to be "
		    "tried again, %zu for SendCompleted", table->ready,
		    table->again, table->completion);
		add_line(screen, text, "");
	}
	for (int i = 0; i < TABLE_SIDES; i++)
		if (table->lost[i] != NULL) {
			snprintf(text, sizeof(text), "the %s cannot be reached",
			    table->lost[i]);
			add_line(screen, text, "");
		}
}

static void
add_totals(struct screen *screen, const struct table *table)
{
	char text[256], bytes[AMOUNT_SIZE], whole[AMOUNT_SIZE], time[AMOUNT_SIZE];

	snprintf(text, sizeof(text), "%zu of %zu filesystems, %zu steps, %s of %s%s, %s",
	    table->over, table->filesystems, table->steps_done,
	    amount_of_bytes(bytes, table->bytes), table->size_unknown ? ">= " : "",
	    amount_of_bytes(whole,
	    table->size > table->bytes ? table->size : table->bytes),
	    amount_of_time(time, table->ms));
	add_line(screen, text, "");
}

static void
add_all(struct screen *screen, const struct table *table)
{
	add_steps(screen, table);
	add_waiting(screen, table);
	add_totals(screen, table);
}

void
table_draw(const struct table *table)
{
	struct buffer text = BUFFER_EMPTY(TABLE_TEXT_MAX);
	struct screen screen = { .text = &text };
	char before[ERASE_SIZE];
	const char *erasing;

	if (terminal == -1)
		return;
	/* All in one write: an echoed ^C must not come in between. */
	erasing = erase(before);
	buffer_append(&text, erasing, strlen(erasing));
	measure(&screen);
	add_all(&screen, table);
	put((const char *)buffer_front(&text), buffer_length(&text));
	on_screen = screen.drawn;
	buffer_free(&text);
}

int
table_print(struct buffer *out, const struct table *table)
{
	struct screen screen = { .text = out, .complete = true };

	add_all(&screen, table);
	return (screen.failed ? -1 : 0);
}
