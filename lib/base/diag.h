#ifndef ZR_DIAG_H
#define ZR_DIAG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Diagnostics (zr-chain(7)): one line, one write(2), on standard error:
 *
 *	program[REMOTEIP identity]: message
 *
 * REMOTEIP is $TCPREMOTEIP (or ${PROTO}REMOTEIP) and identity is
 * $ZR_CLIENT_IDENTITY, where they are set.  Bytes that are not printable
 * text are vis(3)-encoded; well-formed UTF-8 stays as it is, but for control
 * characters.  A line is at most 8 KiB.  Where standard error is the connection
 * itself (inetd), diagnostics go to syslog(3) instead.
 */

/*
 * Call first in main().  program is the name to show; it must stay valid.
 * Also makes sure that descriptors 0, 1 and 2 are open, so that no later open
 * lands on them: where one is not, it becomes /dev/null, but 0 cannot be read
 * and 1 cannot be written then (EBADF): an answer must not be lost unnoticed.
 */
void	diag_init(const char *program);

/* One more thing in the brackets' place: re-read the environment. */
void	diag_refresh(void);

/* What a line begins with that says what to do about the one before it. */
#define DIAG_HINT "hint: "

/* And what an endpoint says to the log alone: its peer does not get the line. */
#define DIAG_LOG "log: "

/* Say something; the message needs no newline. */
void	diag(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with ": strerror(errno)" after it. */
void	diag_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Pass on text that another process wrote, line by line, each line with our
 * prefix, unless it has that already (a child of our own).  length bytes at
 * text; an unfinished last line is ended.
 */
void	diag_lines(const char *text, size_t length);

/* Say it and exit. */
void	diag_die(const struct error *error) __attribute__((noreturn));
void	die(enum exit_code code, const char *format, ...)
	    __attribute__((noreturn, format(printf, 2, 3)));
void	die_errno(const char *format, ...)	/* EXIT_SYSTEM */
	    __attribute__((noreturn, format(printf, 1, 2)));

/*
 * usage text is the man page's SYNOPSIS, one line per form, without
 * "usage: ".  usage_die() prints it on standard error and exits 100;
 * usage_help() prints it on standard output, names the page and exits 0 (for -h).
 * usage_begin() is diag_init() for a program of section 1, which knows --help and
 * --version as its only argument.
 */
void	usage_die(const char *usage) __attribute__((noreturn));
void	usage_help(const char *usage) __attribute__((noreturn));
void	usage_begin(const char *program, const char *usage, int argc, char *argv[]);

/*
 * The word that must follow the options: its place in words, whose end is NULL.
 * word NULL: there is none.  Anything else ends the program (EXIT_USAGE), without
 * any argument at all with the usage.
 */
size_t	usage_word(const char *usage, const char *word,
	    const char *const words[]);

/*
 * An operand that cannot begin with "-": one that does is an option in the wrong
 * place and ends the program (EXIT_USAGE).  what names the operand: "a label".
 */
void	usage_operand(const char *what, const char *word);

/*
 * An option's number; anything else ends the program (EXIT_USAGE): "-t wants
 * seconds, 1 to 3600, not x", where what is "seconds".  least is not negative.
 */
int64_t	usage_number(int option, const char *what, const char *text,
	    int64_t least, int64_t most);

#endif
