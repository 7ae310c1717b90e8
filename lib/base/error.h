#ifndef ZR_ERROR_H
#define ZR_ERROR_H

#include <stddef.h>

#include "base/exit_code.h"

/* What a program can tell errors apart by; the text is for people. */
enum error_cause {
	ERROR_OTHER,
	ERROR_END	/* end of file or a reset, where more should have come */
};

#define ERROR_HINT_SIZE	1024	/* bytes */

/*
 * How a library function says what went wrong.  It returns -1 and fills in
 * one of these; it never prints and never exits.  A program ends with
 * diag_die(&error) (diag.h).
 *
 * text and the hints are each one line without a newline, cut to fit.  They may
 * hold bytes that came from a peer: diag.h encodes them before they reach a log.
 * The hints are empty where nobody knows what to do.
 */
struct error {
	enum exit_code code;	/* what a program should exit with */
	char text[5120];	/* an endpoint's 4 KiB and our words */
	enum error_cause cause;
	char hint[ERROR_HINT_SIZE];	/* what a person can do about it here */
	char hint_for_peer[ERROR_HINT_SIZE];	/* the same without names of this */
				/* host, which a peer may know as something else */
};

/*
 * Fill in *error, without hints, and return -1, so that a function can end with
 * "return error_set(error, EXIT_PROTOCOL, "...", ...);".
 */
int	error_set(struct error *error, enum exit_code code, const char *format, ...)
	    __attribute__((format(printf, 3, 4)));

/* The same with EXIT_PROTOCOL and the cause ERROR_END. */
int	error_end(struct error *error, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* The same with EXIT_SYSTEM and ": strerror(errno)" after the text. */
int	error_errno(struct error *error, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* Put "prefix: " before the text that is already there; the rest stays.  Returns -1. */
int	error_prefix(struct error *error, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
