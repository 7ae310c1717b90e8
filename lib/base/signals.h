#ifndef ZR_SIGNALS_H
#define ZR_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/*
 * Signals for programs with one poll loop.  A caught signal stays blocked except
 * inside io_poll(), so that no other call is interrupted and no wake-up is lost.  The
 * loop calls signals_take() after every io_poll().
 */

/* Record this signal (SIGCHLD, SIGTERM, SIGUSR1, ...) from now on. */
void	signals_catch(int signal_number);

/* Was it delivered since the last call? */
bool	signals_take(int signal_number);

/*
 * The signals that end a program which has children to end first: SIGTERM, and SIGINT
 * and SIGHUP unless our starter ignores them (nohup).  signals_take_end() returns the
 * first that was delivered, or 0.
 */
void	signals_catch_ends(void);
int	signals_take_end(void);

/* The mask during io_poll(): the one this program was started with. */
const sigset_t *signals_open_mask(void);

/*
 * For a child between fork and exec, and for a loader before exec: restore the mask
 * this program was started with, and the default action of caught signals and SIGPIPE.
 */
void	signals_restore(void);

#endif
