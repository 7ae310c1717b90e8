#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/io.h"
#include "base/signals.h"
#include "step/step.h"
#include "unit.h"

#define STEPS 3
#define FIRST 3		/* the descriptors that the senders wait for */

/* A sender ends when its descriptor gives a line, and not before. */
static const char *const senders[STEPS] = {
	"[ $1 != Send ] || read -r go <&3; echo {}; [ $1 != Send ] || echo stream0; :",
	"[ $1 != Send ] || read -r go <&4; echo {}; [ $1 != Send ] || echo stream1; :",
	"[ $1 != Send ] || read -r go <&5; echo {}; [ $1 != Send ] || echo stream2; :"
};
static const char receiver[] =
	"stream=$(cat); read -r verdict <&$ZR_VERDICT; [ $verdict = 0 ] || exit 3;"
	"echo '{\"bytes\":'${stream#stream}'}' >&$ZR_PROGRESS; echo {}; :";

static struct step *steps[STEPS];
static int go[STEPS];

static void
start_all(const struct transfer_order orders[STEPS])
{
	struct error error;
	int ends[2];

	for (int i = 0; i < STEPS; i++) {
		if (pipe(ends) == -1 || (go[i] = fcntl(ends[1],
		    F_DUPFD_CLOEXEC, 20)) == -1)
			abort();
		close(ends[1]);
		dup2(ends[0], FIRST + i);
		if (ends[0] != FIRST + i)
			close(ends[0]);
	}
	for (int i = 0; i < STEPS; i++)
		if ((steps[i] = step_start(&orders[i], io_now(), &error)) == NULL)
			abort();
}

static void
free_all(void)
{
	for (int i = 0; i < STEPS; i++) {
		step_free(steps[i]);
		close(go[i]);
		close(FIRST + i);
	}
}

/* One turn of a loop over all of them; how many are over. */
static int
turn(void)
{
	struct pollfd entries[STEPS * STEP_ENTRIES];
	int64_t deadline = IO_FOREVER;
	int over = 0;

	for (int i = 0; i < STEPS; i++) {
		step_poll(steps[i], entries + i * STEP_ENTRIES);
		deadline = io_earlier(deadline, step_deadline(steps[i]));
	}
	io_poll(entries, STEPS * STEP_ENTRIES, deadline);
	signals_take(SIGCHLD);
	for (int i = 0; i < STEPS; i++) {
		step_handle(steps[i], entries + i * STEP_ENTRIES, io_now());
		over += step_over(steps[i]);
	}
	return (over);
}

int
main(void)
{
	const struct error why = { .code = EXIT_FAILED, .text = "given up" };
	FilesystemVersion version = FILESYSTEM_VERSION__INIT;
	SendReq request = SEND_REQ__INIT;
	struct transfer_order orders[STEPS];

	signals_catch(SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	request.filesystem = version.name = (char *)(uintptr_t)"a";
	request.to = &version;
	for (int i = 0; i < STEPS; i++)
		orders[i] = (struct transfer_order){ .sender = senders[i],
		    .receiver = receiver, .request = &request };

	TEST("several steps run in one poll loop, each with a verdict of its own") {
		start_all(orders);
		/* All wait; the last that was started goes first. */
		for (int i = STEPS - 1; i >= 0; i--) {
			CHECK(write(go[i], "\n", 1) == 1);
			while (!step_over(steps[i]))
				CHECK(turn() <= STEPS - i);
			CHECK_TEXT(step_result(steps[i])->error.text, "");
			CHECK(step_result(steps[i])->figures.bytes_known);
			CHECK(step_result(steps[i])->figures.bytes == (uint64_t)i);
		}
		free_all();
	}
	TEST("one that is ended leaves the others alone") {
		start_all(orders);
		step_end(steps[1], &why, io_now());
		while (!step_over(steps[1]))
			CHECK(turn() <= 1);
		CHECK_TEXT(step_result(steps[1])->error.text, "given up");
		CHECK(!step_over(steps[0]) && !step_over(steps[2]));
		/* Those that still run are ended and waited for. */
		free_all();
	}
	return (unit_end());
}
