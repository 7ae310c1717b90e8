#ifndef ZR_ZFS_COMMAND_H
#define ZR_ZFS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "endpoint/progress.h"
#include "endpoint/verdict.h"
#include "format/fs_name.h"

/*
 * Running zfs(8) as a child process.  Since its messages are read, and nothing is guessed
 * from the exit status alone, zfs runs in the C locale.  SIGTERM, SIGINT and SIGHUP, the
 * latter two unless our starter ignores them, are passed on to it as SIGTERM, and make
 * every later command fail at once (ended by that signal).
 *
 * After zfs_host_set() (zfs_host.h) it runs on another host instead, by ssh(1), which
 * gets the signals: zfs there gets an end of file, or EPIPE.
 */
#define ZFS_ENVIRONMENT	"ZR_ZFS"	/* names another binary than "zfs" */
#define ZFS_OUTPUT_MAX	(256u << 20)	/* bytes */
#define ZFS_WORDS_MAX	65536		/* bytes of standard error that are kept */
/*
 * Bytes of a command line, as a caller that splits long ones counts them: each word with
 * ZFS_WORD_MORE.  On another host all of it is one argument, for which Linux allows 128
 * KiB.
 */
#define ZFS_LINE_MAX	(96u << 10)
#define ZFS_WORD_MORE	3		/* two quotes and a blank */

/* How a command ended. */
struct zfs_report {
	const char *command;		/* "send", "hold", ... */
	char dataset[FS_NAME_MAX + 1];	/* the last one on its command line */
	int exit_code;			/* process_exit_code() */
	char user[64];			/* who ran it on another host; "": unknown */
	char words[ZFS_WORDS_MAX + 1];	/* the beginning of its standard error, */
					/* lines and all, valid UTF-8 */
};

/* A command line that grows.  Strings are borrowed. */
struct zfs_arguments {
	const char **items;		/* NULL-terminated */
	size_t count, capacity;
	bool out_of_memory;		/* zfs_run() will say so */
	const void *input;		/* the beginning of its standard input; */
	size_t input_length;		/* bytes */
	struct verdict *verdict;	/* NULL, or that of the stream that it reads */
	struct progress *progress;	/* NULL, or that of this stream, which then goes */
					/* through us, by splice(2), to be counted */
	int64_t end_ms;			/* if a signal ends us: from SIGTERM to SIGKILL, */
					/* and from that to leaving it alone; 0: forever */
};

/* Once per program, before the first command: PATH, locale. */
void	zfs_init(void);

/*
 * Call before waiting for another process: until the next command, SIGTERM, SIGINT and
 * SIGHUP end us at once.
 */
void	zfs_let_go(void);

/* Start a command line with "zfs"; arguments end with NULL. */
struct zfs_arguments zfs_arguments(const char *first, ...)
	    __attribute__((sentinel));
void	zfs_arguments_add(struct zfs_arguments *arguments, const char *argument);
void	zfs_arguments_free(struct zfs_arguments *arguments);

enum zfs_flags {
	ZFS_READ_INPUT = 1 << 0,	/* it reads our standard input, after */
					/* arguments->input if there is any */
	ZFS_WRITE_OUTPUT = 1 << 1	/* it writes our standard output */
};

/* Can the other host be reached?  Runs a command there that does nothing. */
int	zfs_reach(struct error *error);

/*
 * Run it to its end.  Its standard output is appended to *output, or discarded if that is
 * NULL; on another host *output must be empty.  0 with *report, whatever the exit code;
 * -1 if it could not be run, if we ended it because of a signal or because the verdict
 * says to give up the stream, or if it printed more than output may hold.
 */
int	zfs_run(const struct zfs_arguments *arguments, enum zfs_flags flags,
	    struct buffer *output, struct zfs_report *report,
	    struct error *error);

/* The same, but -1 with zfs's own message for any exit code other than 0. */
int	zfs_do(const struct zfs_arguments *arguments, enum zfs_flags flags,
	    struct error *error);

/*
 * Does every line of the words end with one of these (NULL-terminated)?  False if
 * there is no line.
 */
bool	zfs_words_all(const struct zfs_report *report, const char *const endings[]);

/*
 * The words as an error on one line: lines are joined with "; ", without the usage text
 * and the list of datasets that could be destroyed as well.  With a hint about them
 * (zfs_advice.h).  Returns -1.
 */
int	zfs_failed(const struct zfs_report *report, struct error *error);

/*
 * Add a hint to an error of our own about a dataset: the hint for a phrase, which is
 * zfs's or one of zfs_advice.h.  Returns -1.
 */
int	zfs_advise(struct error *error, const char *phrase, const char *dataset);

/* Put "on HOST: " before a hint with commands for another host. */
void	zfs_say_where(char line[ERROR_HINT_SIZE]);

#endif
