#ifndef ZR_SIGNALS_H
#define ZR_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * Signals for programs with one poll loop.  A caught signal stays blocked
 * except inside io_poll(), so that nothing is ever interrupted half way and
 * no wake-up is lost; the loop asks signals_take() after every io_poll().
 */

/* From now on record this signal (SIGCHLD, SIGTERM, SIGUSR1, ...). */
void	signals_catch(int signal_number);

/* Was it delivered since the last call? */
bool	signals_take(int signal_number);

/* What io_poll() lets through: the mask this program was started with. */
const sigset_t *signals_open_mask(void);

/*
 * In a child between fork and exec, and before a loader execs: the mask this
 * program was started with, caught signals and SIGPIPE back to default.
 */
void	signals_restore(void);

#endif
