#ifndef ZR_DIAG_H
#define ZR_DIAG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct buffer;

/*
 * Diagnostics (zr-chain(7)): one line, one write(2), on standard error:
 *
 *	program[REMOTEIP identity]: message
 *
 * REMOTEIP is $TCPREMOTEIP (or ${PROTO}REMOTEIP) and identity is
 * $ZR_CLIENT_IDENTITY, if they are set.  Unprintable bytes are vis(3)-encoded;
 * well-formed UTF-8 stays as it is, except for control characters.  A line is at
 * most 8 KiB.  If standard error is the connection itself (inetd), diagnostics go
 * to syslog(3) instead.
 */

/*
 * Call first in main().  program is the name to show; it must stay valid.  Also makes
 * sure that descriptors 0, 1 and 2 are open, so that no later open lands on them.  A
 * closed one becomes /dev/null; reading 0 or writing 1 then fails (EBADF), since an
 * answer must not be lost unnoticed.
 */
void	diag_init(const char *program);

/* Read the environment again, for the text in the brackets. */
void	diag_refresh(void);

/* The beginning of a line with a remedy for the line before it. */
#define DIAG_HINT "hint: "

/* The beginning of an endpoint's line for the log alone: its peer does not get it. */
#define DIAG_LOG "log: "

/*
 * Call this before each line from now on, for a program that draws on the same terminal
 * to clear its drawing.  NULL: no longer.
 */
void	diag_before_line(void (*hook)(void));

/* Print a line; the message needs no newline. */
void	diag(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same with ": strerror(errno)" after it. */
void	diag_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Pass on text of another process line by line.  Each line gets our prefix, unless
 * it already has it (from a child of ours).  length bytes at text; an unfinished
 * last line is ended.
 */
void	diag_lines(const char *text, size_t length);

/* Print the error, and its hint as a line of its own; diag_die() then exits. */
void	diag_error(const struct error *error);
void	diag_die(const struct error *error) __attribute__((noreturn));
void	die(enum exit_code code, const char *format, ...)
	    __attribute__((noreturn, format(printf, 2, 3)));
void	die_errno(const char *format, ...)	/* EXIT_SYSTEM */
	    __attribute__((noreturn, format(printf, 1, 2)));

/* Write all of a buffer to standard output and empty it, or die. */
void	print_or_die(struct buffer *out);

/*
 * From now on all of them, and usage_die(), exit with this status, whatever the error
 * says: for zr-check, whose statuses are those that monitors want.
 */
void	diag_fix_exit_code(int code);

/*
 * usage text is the man page's SYNOPSIS, one line per form, without
 * "usage: ".  usage_die() prints it on standard error and exits 100;
 * usage_help() prints it on standard output, names the page and exits 0 (for -h).
 * usage_begin() is diag_init() for a program of section 1, which takes --help or
 * --version as its only argument.
 */
void	usage_die(const char *usage) __attribute__((noreturn));
void	usage_help(const char *usage) __attribute__((noreturn));
void	usage_begin(const char *program, const char *usage, int argc, char *argv[]);

/* getopt(3) that calls usage_help() for -h, and usage_die() for an invalid option. */
int	usage_getopt(const char *usage, int argc, char *argv[], const char *options);

/*
 * The word that must follow the options: returns its index in words, whose end is
 * NULL.  word NULL: none was given.  Any other word, or none, ends the program
 * (EXIT_USAGE); if the command line has no argument at all, it prints the usage.
 */
size_t	usage_word(const char *usage, const char *word,
	    const char *const words[]);

/*
 * Check an operand that cannot begin with "-": if it does, it is an option in the
 * wrong place and ends the program (EXIT_USAGE).  what names the operand: "a label".
 */
void	usage_operand(const char *what, const char *word);

/*
 * The number of an option; any other text ends the program (EXIT_USAGE): "-t wants
 * seconds, 1 to 3600, not x" if what is "seconds".  least is not negative.
 */
int64_t	usage_number(int option, const char *what, const char *text,
	    int64_t least, int64_t most);

#endif
