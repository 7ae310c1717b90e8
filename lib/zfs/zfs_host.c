#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zfs/zfs_host.h"

static const char *the_host;

/*
 * What OpenSSH itself refuses in recent versions, as its configuration may pass the name
 * on to a shell, and what would be an option.
 */
static bool
part_valid(const char *part, size_t length)
{
	if (length == 0 || part[0] == '-')
		return (false);
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)part[i]) ||
		    strchr("'`\"$\\;&<>|(){}*?!", part[i]) != NULL)
			return (false);
	return (true);
}

int
zfs_host_set(const char *host, struct error *error)
{
	const char *const at = strrchr(host, '@');
	const char *const name = at == NULL ? host : at + 1;

	if (!part_valid(name, strlen(name)) ||
	    (at != NULL && !part_valid(host, (size_t)(at - host))))
		return (error_set(error, EXIT_USAGE,
		    "-H %s: a host is [USER@]HOST, as ssh(1) knows it", host));
	the_host = host;
	return (0);
}

const char *
zfs_host(void)
{
	return (the_host);
}

/* --- the string --- */

static int
add(struct buffer *out, const char *bytes, size_t length, struct error *error)
{
	return (buffer_append(out, bytes, length) == -1 ? error_set(error,
	    EXIT_FAILED, "the command is longer than one for another host can be "
	    "(%u KiB)", ZFS_HOST_STRING_MAX >> 10) : 0);
}

/* No shell gives these characters a meaning; "=" and "%" are not among them. */
static bool
may_stay(const char *word)
{
	if (*word == '\0')
		return (false);
	for (; *word != '\0'; word++)
		if (!isalnum((unsigned char)*word) && strchr("_./:,@-", *word) == NULL)
			return (false);
	return (true);
}

static bool
has_control(const char *word)
{
	for (; *word != '\0'; word++)
		if (iscntrl((unsigned char)*word))
			return (true);
	return (false);
}

/*
 * In single quotes csh takes "!" for history, and fish takes a backslash for one: these
 * and the quote itself have a backslash before them, outside the quotes.
 */
int
zfs_host_quote(struct buffer *out, const char *word, struct error *error)
{
	char escaped[2] = "\\";
	size_t length;
	int result = 0;

	if (has_control(word))
		return (error_set(error, EXIT_FAILED, "a newline or another control "
		    "character cannot be part of a command for another host"));
	if (may_stay(word))
		return (add(out, word, strlen(word), error));
	if (*word == '\0')
		return (add(out, "''", 2, error));
	while (result == 0 && *word != '\0') {
		length = strcspn(word, "'\\!");
		if (length > 0) {
			if (add(out, "'", 1, error) == -1 ||
			    add(out, word, length, error) == -1)
				return (-1);
			result = add(out, "'", 1, error);
		} else {
			escaped[1] = *word;
			length = 1;
			result = add(out, escaped, 2, error);
		}
		word += length;
	}
	return (result);
}

/*
 * zfs is in directories that an ordinary user's PATH lacks, and its messages are read.
 * (ksh93 has 256 and more for a signal.)
 */
#define SCRIPT(before, after)						\
	"PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C; "	\
	"export PATH LC_ALL; b=\"" ZFS_HOST_BEGINS "$LOGNAME\"; "		\
	"echo >&2; echo \"$b\" >&2; " before					\
	"\"$@\"; s=$?; [ $s -lt 256 ] || s=$((s - 128)); "			\
	"e=\"" ZFS_HOST_ENDS "$s\"; " after "echo >&2; echo \"$e\" >&2; exit $s"

static const char plain_script[] = SCRIPT("", "");
static const char marking_script[] =
    SCRIPT("echo \"$b\"; ", "echo; echo \"$e\"; ");

static int
make_string(struct buffer *string, const char *const words[], bool mark_output,
    struct error *error)
{
	static const char begin[] = "exec /bin/sh -c ";

	if (add(string, begin, strlen(begin), error) == -1 ||
	    zfs_host_quote(string, mark_output ? marking_script : plain_script,
	    error) == -1 || add(string, " zr", 3, error) == -1)
		return (-1);
	for (; *words != NULL; words++)
		if (add(string, " ", 1, error) == -1 ||
		    zfs_host_quote(string, *words, error) == -1)
			return (-1);
	return (0);
}

/* --- ssh --- */

/*
 * ssh is never a master, as that would outlive the command.  Of the settings of
 * ssh_config(5), those that would add to the stream, or need a terminal, are off.
 */
static const char *const ssh_options[] = { "-T", "-a", "-x",
	"-o", "ClearAllForwardings=yes", "-o", "ControlMaster=no",
	"-o", "PermitLocalCommand=no", "-o", "RemoteCommand=none",
	"-o", "ConnectTimeout=30",
	"-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4" };

#define OPTION_COUNT (sizeof(ssh_options) / sizeof(ssh_options[0]))

int
zfs_host_command(struct zfs_host_command *command, const char *const words[],
    bool mark_output, struct error *error)
{
	const char *const program = getenv("ZR_SSH");
	const char *const control = getenv("ZR_SSH_CONTROL");
	const char **word = command->words;

	_Static_assert(OPTION_COUNT + 7 <= ZFS_HOST_WORDS, "ssh's command line");
	*command = (struct zfs_host_command){
	    .string = BUFFER_EMPTY(ZFS_HOST_STRING_MAX) };
	if (make_string(&command->string, words, mark_output, error) == -1)
		return (-1);
	*word++ = program != NULL ? program : "ssh";
	for (size_t i = 0; i < OPTION_COUNT; i++)
		*word++ = ssh_options[i];
	if (control != NULL) {
		*word++ = "-S";
		*word++ = control;
	}
	*word++ = "--";
	*word++ = the_host;
	*word = buffer_text(&command->string);
	return (*word != NULL ? 0 : add(&command->string, "", 1, error));
}

void
zfs_host_command_free(struct zfs_host_command *command)
{
	buffer_free(&command->string);
}
