#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/number.h"
#include "base/program.h"
#include "base/signals.h"

#define OWN_FILE	"/proc/self/exe"
#define OWN_SIZE	"/proc/self/statm"
#define OWN_DESCRIPTORS	"/proc/self/fd"
#define DESCRIPTORS_MAX	256	/* that are closed; with more it is execve(2) */

#define FORGET_MAX	8
#define LARGE		(32L << 20)	/* bytes of memory: not worth keeping */
#define STACK_SHARE	8	/* 1/8 of the stack is for the programs before */

/* A sanitizer counts what the program before has not freed. */
#if defined(__SANITIZE_ADDRESS__)
#define ALWAYS_EXEC true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALWAYS_EXEC true
#endif
#endif
#ifndef ALWAYS_EXEC
#define ALWAYS_EXEC false
#endif

static const struct program *all;	/* NULL: a file of one program */
static void (*forget[FORGET_MAX])(void);
static uintptr_t stack_bottom;

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return (slash == NULL ? path : slash + 1);
}

static const struct program *
find(const char *name)
{
	for (const struct program *program = all; program != NULL &&
	    program->name != NULL; program++)
		if (strcmp(program->name, name) == 0)
			return (program);
	return (NULL);
}

/* The file that execvp(3) would execute for a name without a slash. */
static bool
find_file(const char *name, struct stat *status)
{
	const char *rest = getenv("PATH");
	char path[4096];
	size_t length;

	while (rest != NULL) {
		length = strcspn(rest, ":");
		if (snprintf(path, sizeof(path), "%.*s%s%s", (int)length, rest,
		    length > 0 ? "/" : "", name) < (int)sizeof(path) &&
		    access(path, X_OK) == 0 && stat(path, status) == 0 &&
		    S_ISREG(status->st_mode))
			return (true);
		rest = rest[length] == '\0' ? NULL : rest + length + 1;
	}
	return (false);
}

/* The file of this process, which stays the same until execve(2). */
static bool
find_own_file(struct stat *status)
{
	static struct stat own;
	static bool known;

	known = known || stat(OWN_FILE, &own) == 0;
	*status = own;
	return (known);
}

static bool
is_our_file(const char *name)
{
	struct stat own, status;

	return ((strchr(name, '/') != NULL ? access(name, X_OK) == 0 &&
	    stat(name, &status) == 0 : find_file(name, &status)) &&
	    find_own_file(&own) &&
	    own.st_dev == status.st_dev && own.st_ino == status.st_ino);
}

/*
 * A child would keep its parent's memory, and copy it where either of them writes.  What
 * getrusage(2) says, at less cost, is the largest of all programs that this process has
 * been.
 */
static bool
is_large(void)
{
	struct rusage usage;
	FILE *file;
	long pages;
	bool known;

	if (getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0 &&
	    usage.ru_maxrss <= LARGE / 1024)
		return (false);
	file = fopen(OWN_SIZE, "re");
	if (file == NULL)
		return (true);
	known = fscanf(file, "%*d %ld", &pages) == 1;
	fclose(file);
	return (!known || pages > LARGE / sysconf(_SC_PAGESIZE));
}

/* The programs before never return: each leaves its part of the stack in use. */
static bool
is_deep(void)
{
	const char here = 0;
	const uintptr_t top = (uintptr_t)&here;
	struct rlimit limit;

	return (getrlimit(RLIMIT_STACK, &limit) == -1 || stack_bottom < top ||
	    stack_bottom - top > limit.rlim_cur / STACK_SHARE);
}

/* Those open descriptors that execve(2) closes; DESCRIPTORS_MAX: perhaps not all. */
static size_t
list_descriptors(int fds[DESCRIPTORS_MAX])
{
	DIR *directory = opendir(OWN_DESCRIPTORS);
	struct dirent *entry;
	size_t count = 0;
	uint64_t number;
	int fd;

	if (directory == NULL)
		return (DESCRIPTORS_MAX);
	while ((entry = readdir(directory)) != NULL && count < DESCRIPTORS_MAX) {
		if (!number_parse(&number, entry->d_name, 10, 0, INT_MAX))
			continue;	/* "." and ".." */
		fd = (int)number;
		if (fd != dirfd(directory) && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0)
			fds[count++] = fd;
	}
	closedir(directory);
	return (count);
}

/*
 * The same where the directory's size is the number of open descriptors, as since Linux
 * 6.2, and these are small numbers, as they mostly are: reading the directory takes longer
 * than all else that program_exec() does.  One poll(2) tells which numbers are open.
 */
static bool
find_descriptors(int fds[DESCRIPTORS_MAX], size_t *count)
{
	struct pollfd entries[DESCRIPTORS_MAX];
	struct stat status;
	off_t unseen;

	*count = 0;
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		entries[fd] = (struct pollfd){ .fd = fd };
	if (stat(OWN_DESCRIPTORS, &status) == -1 ||
	    poll(entries, DESCRIPTORS_MAX, 0) == -1)
		return (false);
	unseen = status.st_size;
	for (int fd = 0; fd < DESCRIPTORS_MAX && unseen > 0; fd++) {
		if ((entries[fd].revents & POLLNVAL) != 0)
			continue;
		unseen--;
		if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0)
			fds[(*count)++] = fd;
	}
	return (status.st_size > 0 && unseen == 0);
}

/* Close what execve(2) closes; -1: it has to do that itself. */
static int
close_on_exec(void)
{
	int fds[DESCRIPTORS_MAX];
	size_t count;

	if (!find_descriptors(fds, &count))
		count = list_descriptors(fds);
	if (count == DESCRIPTORS_MAX)
		return (-1);
	while (count > 0)
		close(fds[--count]);
	return (0);
}

void
program_at_exec(void (*function)(void))
{
	size_t i;

	for (i = 0; i < FORGET_MAX && forget[i] != NULL; i++)
		if (forget[i] == function)
			return;
	if (i == FORGET_MAX)
		die(EXIT_SYSTEM, "more than %d variables to forget", FORGET_MAX);
	forget[i] = function;
}

static void
reset(void)
{
	fpurge(stdout);
	for (size_t i = 0; i < FORGET_MAX && forget[i] != NULL; i++)
		forget[i]();
	setlocale(LC_ALL, "C");
	optind = 0;		/* getopt(3) of glibc begins anew */
}

/*
 * The program that argv[0] names; or else the name under which the file was executed, since
 * whoever does that may say anything in argv[0] (exec -a, "-" for a login shell).
 */
static const struct program *
find_own(const char *name)
{
	const struct program *program = find(base_name(name));
	const unsigned long path = program == NULL ? getauxval(AT_EXECFN) : 0;

	return (path == 0 ? program : find(base_name((const char *)path)));
}

int
program_main(const struct program *programs, int argc, char *argv[])
{
	const struct program *program;

	stack_bottom = (uintptr_t)&program;
	all = programs;
	program = find_own(argc > 0 ? argv[0] : "");
	if (program != NULL)
		return (program->main(argc, argv));
	diag_init(base_name(argc > 0 ? argv[0] : "zr-core"));
	die(EXIT_USAGE, "this file is many programs: run it by the name of one");
}

void
program_exec(char *const argv[])
{
	const struct program *program = ALWAYS_EXEC ? NULL : find(base_name(argv[0]));
	int argc = 0;

	signals_restore();
	closelog();
	if (program != NULL && is_our_file(argv[0]) && !is_deep() &&
	    !is_large() && close_on_exec() == 0) {
		reset();
		prctl(PR_SET_NAME, program->name);
		while (argv[argc] != NULL)
			argc++;
		exit(program->main(argc, (char **)(uintptr_t)argv));
	}
	execvp(argv[0], argv);
}
