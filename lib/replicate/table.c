#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "replicate/amount.h"
#include "replicate/replication.h"
#include "replicate/table.h"

#define TEXT_MAX	(64u << 10)	/* bytes of one drawing */
#define LINE_BYTES	1024

struct screen {
	struct buffer text;
	int columns;
	int rows;		/* that may be drawn */
	int drawn;		/* lines */
};

static bool is_open;
static int on_screen;		/* lines that are there */

/* --- the terminal --- */

static void
put(const char *text, size_t length)
{
	struct error error;

	io_write_all(STDERR_FILENO, text, length, IO_FOREVER, &error);
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
table_open(void)
{
	is_open = isatty(STDERR_FILENO) == 1;
	if (is_open) {
		setlocale(LC_CTYPE, "C.UTF-8");
		diag_before_line(table_clear);
	}
	return (is_open);
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

	if (screen->drawn == screen->rows)
		return;
	if (room > 2 * reserved)
		room -= reserved;
	else
		right = "";
	quote_line(encoded, sizeof(encoded), left, strlen(left));
	buffer_append(&screen->text, encoded, fitting(encoded, room));
	buffer_append(&screen->text, right, strlen(right));
	buffer_append(&screen->text, "\033[K\n", 4);
	screen->drawn++;
}

static void
measure(struct screen *screen)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row == 0 ||
	    size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	screen->columns = size.ws_col;
	screen->rows = size.ws_row > 1 ? size.ws_row - 1 : 0;
}

/* --- what is drawn --- */

/* " 512 MiB   43%  98 MiB/s" */
static void
describe_progress(char *text, size_t size, const struct slot *slot, int64_t now)
{
	const struct work *work = slot->work;
	uint64_t bytes;
	const uint64_t whole = work->sizes == NULL ? 0 : work->sizes[work->step];
	const int64_t ms = now - slot->began;
	char amount[AMOUNT_SIZE], rate[AMOUNT_SIZE], percent[8] = "?";

	transfer_bytes(&slot->transfer, &bytes);
	if (whole != 0)
		snprintf(percent, sizeof(percent), "%d%%", bytes >= whole ? 100 :
		    (int)((double)bytes * 100 / (double)whole));
	snprintf(text, size, " %8s %5s %8s/s",
	    amount_of_bytes(amount, bytes), percent, amount_of_bytes(rate,
	    ms < 1 ? 0 : (uint64_t)((double)bytes * 1000 / (double)ms)));
}

static void
add_steps(struct screen *screen, const struct replication *replication,
    int64_t now)
{
	char left[LINE_BYTES], right[64];

	for (size_t i = 0; i < replication->options->parallel; i++) {
		const struct slot *slot = &replication->slots[i];
		const SendReq *request;

		/* The last two lines are for those that wait, and the totals. */
		if (slot->work == NULL || screen->drawn + 2 >= screen->rows)
			continue;
		request = &slot->work->request.request;
		snprintf(left, sizeof(left), "%s @%s", request->filesystem,
		    request->to->name);
		describe_progress(right, sizeof(right), slot, now);
		add_line(screen, left, right);
	}
}

static void
add_waiting(struct screen *screen, const struct replication *replication)
{
	size_t ready = 0, failed = 0, completion = 0;
	char text[256] = "";

	for (size_t i = 0; i < replication->set.count; i++) {
		const enum work_state state = replication->works[i].state;

		ready += state == WORK_READY;
		failed += state == WORK_WAITING || state == WORK_RELISTING;
		completion += state == WORK_COMPLETION;
	}
	if (ready + failed + completion > 0)
		snprintf(text, sizeof(text), "waiting: %zu for their turn, %zu to be "
		    "tried again, %zu for SendCompleted", ready, failed, completion);
	if (text[0] != '\0')
		add_line(screen, text, "");
	for (int i = 0; i < SIDES; i++)
		if (replication->sides[i].lost) {
			snprintf(text, sizeof(text), "the %s cannot be reached",
			    replication->sides[i].role);
			add_line(screen, text, "");
		}
}

static void
add_totals(struct screen *screen, const struct replication *replication,
    int64_t now)
{
	char text[256], bytes[AMOUNT_SIZE], whole[AMOUNT_SIZE], time[AMOUNT_SIZE];
	uint64_t moved = 0, total;
	size_t steps = 0;
	bool unknown;

	for (size_t i = 0; i < replication->set.count; i++) {
		moved += replication->works[i].bytes;
		steps += replication->works[i].steps_done;
	}
	for (size_t i = 0; i < replication->options->parallel; i++)
		if (replication->slots[i].work != NULL)
			moved += replication->slots[i].moved;
	total = sizes_total(replication, &unknown);
	snprintf(text, sizeof(text), "%zu of %zu filesystems, %zu steps, %s of %s%s, %s",
	    replication->set.count - replication->open, replication->set.count,
	    steps, amount_of_bytes(bytes, moved), unknown ? ">= " : "",
	    amount_of_bytes(whole, total > moved ? total : moved),
	    amount_of_time(time, now - replication->began));
	add_line(screen, text, "");
}

void
table_draw(const struct replication *replication, int64_t now)
{
	struct screen screen = { .text = BUFFER_EMPTY(TEXT_MAX) };

	char before[ERASE_SIZE];
	const char *erasing;

	if (!is_open)
		return;
	/* All in one write: an echoed ^C must not come in between. */
	erasing = erase(before);
	buffer_append(&screen.text, erasing, strlen(erasing));
	measure(&screen);
	add_steps(&screen, replication, now);
	add_waiting(&screen, replication);
	add_totals(&screen, replication, now);
	put((const char *)buffer_front(&screen.text), buffer_length(&screen.text));
	on_screen = screen.drawn;
	buffer_free(&screen.text);
}
