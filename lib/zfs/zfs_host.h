#ifndef ZR_ZFS_HOST_H
#define ZR_ZFS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * zfs(8) of another host by ssh(1): the command line, and what comes back.
 *
 * ssh joins its words with blanks, and the login shell there reads them again.  So ssh
 * gets one string, in words that sh, csh, fish and their like read alike, and that makes
 * the login shell execute /bin/sh with a script of ours, which runs the command.  The
 * script writes a line to standard error before the command, and one with its exit status
 * after it; to standard output too, if we read that.  Everything before the first line
 * comes from ssh or the login shell.  Without the last one the connection was lost.
 */
#define ZFS_HOST_STRING_MAX	(128u << 10)	/* bytes with the NUL: Linux, for one */
						/* argument; ssh takes twice that */
#define ZFS_HOST_BEGIN_MS	60000	/* until the first line comes */
#define ZFS_HOST_USER_SIZE	64	/* bytes */
#define ZFS_HOST_BEGINS		"zr-zfs begins "	/* and the login name */
#define ZFS_HOST_ENDS		"zr-zfs ends "		/* and the exit status */

/*
 * Once per program: every command from now on runs on HOST, "[USER@]HOST" for ssh.  -1
 * (EXIT_USAGE) if it could be taken for something else.
 */
int	zfs_host_set(const char *host, struct error *error);

/* That host; NULL: this one. */
const char *zfs_host(void);

/*
 * Append a word as every shell reads it.  -1 (EXIT_FAILED) if it has a newline or another
 * control character.  Pure.
 */
int	zfs_host_quote(struct buffer *out, const char *word, struct error *error);

/* ssh's command line for one of ours. */
#define ZFS_HOST_WORDS	24

struct zfs_host_command {
	const char *words[ZFS_HOST_WORDS];	/* NULL-terminated */
	struct buffer string;			/* the last one */
};

/*
 * Free it also after an error.  words: "zfs" and its arguments, NULL-terminated.
 * mark_output: its standard output is read by zfs_host_take_output().
 */
int	zfs_host_command(struct zfs_host_command *command,
	    const char *const words[], bool mark_output, struct error *error);
void	zfs_host_command_free(struct zfs_host_command *command);

/* ssh's standard error, as it comes. */
struct zfs_host_watch {
	enum {
		ZFS_HOST_SILENT,	/* words: of ssh or the login shell */
		ZFS_HOST_BEGUN,		/* words: of zfs */
		ZFS_HOST_ENDED		/* the same, complete */
	} state;
	int exit_code;			/* if it has ended: zfs's */
	char user[ZFS_HOST_USER_SIZE];	/* the login name there; "": unknown */
	char line[96];			/* private: the beginning of the current line, */
	size_t line_length;		/* its length so far, */
	size_t line_start;		/* and where it begins in words */
};

#define ZFS_HOST_WATCH	((struct zfs_host_watch){ .state = ZFS_HOST_SILENT })

/*
 * Take the next bytes: keep those in words that belong there, up to max of them.  Pure.
 */
void	zfs_host_hear(struct zfs_host_watch *watch, const char *bytes, size_t size,
	    char *words, size_t *length, size_t max);

/*
 * Leave zfs's own output: remove our lines.  -1 if the login shell printed something
 * (EXIT_FAILED), or if the end is missing (EXIT_SSH).  Pure but for zfs_host().
 */
int	zfs_host_take_output(struct buffer *output, int exit_code,
	    struct error *error);

/*
 * ssh has ended with ssh_code; words is what was heard.  -1 with a one-line text if zfs
 * did not run to its end: EXIT_SSH if there was no connection, or it was lost;
 * EXIT_NOT_FOUND and EXIT_CANNOT_EXEC if there is no zfs; EXIT_FAILED if the login shell
 * did not run it.  output: what ssh printed, or NULL.
 */
int	zfs_host_judge(const struct zfs_host_watch *watch, int ssh_code,
	    const char *words, const struct buffer *output, struct error *error);

#endif
