#ifndef ZR_ZFS_COMMAND_H
#define ZR_ZFS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "format/fs_name.h"

/*
 * Running zfs(8) as a child process.  Its words are read, never guessed from
 * the exit status alone, so it runs in the C locale.  SIGTERM, SIGINT and
 * SIGHUP are passed on to it, and make every later command fail at once
 * (ended by that signal).
 */
#define ZFS_ENVIRONMENT	"ZR_ZFS"	/* names another binary than "zfs" */
#define ZFS_OUTPUT_MAX	(256u << 20)	/* bytes */
#define ZFS_WORDS_MAX	65536		/* bytes of standard error that count */

/* How a command ended. */
struct zfs_report {
	const char *command;		/* "send", "hold", ... */
	char dataset[FS_NAME_MAX + 1];	/* the last on its command line */
	int exit_code;			/* process_exit_code() */
	char words[ZFS_WORDS_MAX + 1];	/* the beginning of its standard error, */
					/* lines and all, valid UTF-8 */
};

/* A command line that grows.  Strings are borrowed. */
struct zfs_arguments {
	const char **items;		/* NULL-terminated */
	size_t count, capacity;
	bool out_of_memory;		/* zfs_run() will say so */
	const void *input;		/* what its standard input begins with; */
	size_t input_length;		/* bytes */
};

/* Once per program, before the first command: PATH, locale. */
void	zfs_init(void);

/*
 * A wait for somebody else follows: until the next command, a signal that
 * tells us to end does so at once.
 */
void	zfs_let_go(void);

/* Start a command line with "zfs"; arguments end with NULL. */
struct zfs_arguments zfs_arguments(const char *first, ...)
	    __attribute__((sentinel));
void	zfs_arguments_add(struct zfs_arguments *arguments, const char *argument);
void	zfs_arguments_free(struct zfs_arguments *arguments);

enum zfs_flags {
	ZFS_READ_INPUT = 1 << 0,	/* our standard input is its own; behind */
					/* arguments->input, where there is some */
	ZFS_WRITE_OUTPUT = 1 << 1	/* our standard output is its own */
};

/*
 * Run it to its end.  Its standard output is appended to *output, or thrown
 * away where that is NULL.  0 with *report,
 * whatever the exit code; -1 if it could not be run, was ended because we
 * were, or printed more than output may hold.
 */
int	zfs_run(const struct zfs_arguments *arguments, enum zfs_flags flags,
	    struct buffer *output, struct zfs_report *report,
	    struct error *error);

/* The same, but -1 with zfs's own words for any exit code but 0. */
int	zfs_do(const struct zfs_arguments *arguments, enum zfs_flags flags,
	    struct error *error);

/*
 * Does every line of the words end with one of these (NULL-terminated)?
 * False without any line.
 */
bool	zfs_words_all(const struct zfs_report *report, const char *const endings[]);

/*
 * The words as one line, lines joined with "; ", without a usage text and without
 * a list of what else could be destroyed.
 */
int	zfs_failed(const struct zfs_report *report, struct error *error);

/* An error of our own about a dataset: look for advice in its text.  Returns -1. */
int	zfs_advise(const struct error *error, const char *dataset);

/*
 * What can be done about an error that zfs_failed() or zfs_advise() was the last
 * to see, as one line; NULL where there is no advice, or the error is another one.
 * With the names of datasets on this host, or with words in their place.
 */
const char *zfs_failed_advice(const struct error *error, bool with_names);

#endif
