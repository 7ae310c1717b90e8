#include <stddef.h>

#include "base/signals.h"

static volatile sig_atomic_t delivered[NSIG];
static bool caught[NSIG];
static sigset_t open_mask;
static bool have_mask;

static void
record(int signal_number)
{
	delivered[signal_number] = 1;
}

const sigset_t *
signals_open_mask(void)
{
	return (have_mask ? &open_mask : NULL);
}

void
signals_catch(int signal_number)
{
	struct sigaction action = { .sa_handler = record };
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, signal_number);
	if (!have_mask) {
		sigprocmask(SIG_BLOCK, &block, &open_mask);
		have_mask = true;
	} else
		sigprocmask(SIG_BLOCK, &block, NULL);
	sigdelset(&open_mask, signal_number);
	sigemptyset(&action.sa_mask);
	sigaction(signal_number, &action, NULL);
	caught[signal_number] = true;
}

bool
signals_take(int signal_number)
{
	if (!delivered[signal_number])
		return (false);
	delivered[signal_number] = 0;
	return (true);
}

static const int ends[] = { SIGTERM, SIGINT, SIGHUP };

#define END_COUNT (sizeof(ends) / sizeof(ends[0]))

void
signals_catch_ends(void)
{
	struct sigaction now;

	for (size_t i = 0; i < END_COUNT; i++)
		if (ends[i] == SIGTERM || (sigaction(ends[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN))
			signals_catch(ends[i]);
}

int
signals_take_end(void)
{
	for (size_t i = 0; i < END_COUNT; i++)
		if (signals_take(ends[i]))
			return (ends[i]);
	return (0);
}

void
signals_restore(void)
{
	for (int i = 1; i < NSIG; i++) {
		if (caught[i])
			signal(i, SIG_DFL);
		caught[i] = false;
		delivered[i] = 0;
	}
	signal(SIGPIPE, SIG_DFL);
	if (have_mask)
		sigprocmask(SIG_SETMASK, &open_mask, NULL);
	have_mask = false;
}
