/*
 * spent FILE COMMAND ...: run it, wait for it and for all that it leaves behind, and write
 * to FILE, as JSON, what these have spent: CPU seconds, the KiB of memory that the largest
 * had at most, and the number of processes, or null where that cannot be counted.  Exits
 * as the command does.
 *
 * Processes are counted by their numbers, in a PID namespace of the command's own.  It
 * is run from a program as small as this one because its memory begins as a copy of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"

/* The namespace's own processes: its first one, and the last, which only has a number. */
#define OURS 2

/* So that files keep their owners for the command, where only a user namespace is allowed. */
static void
map(const char *file, unsigned id)
{
	FILE *out = fopen(file, "w");

	if (out == NULL || fprintf(out, "%u %u 1\n", id, id) < 0 || fclose(out) != 0)
		die_errno("%s", file);
}

static bool
unshare_numbers(void)
{
	const unsigned user = geteuid(), group = getegid();
	int deny;

	if (unshare(CLONE_NEWPID) == 0)
		return (true);
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) == -1)
		return (false);
	deny = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
	if (deny == -1 || write(deny, "deny", 4) != 4)
		die_errno("/proc/self/setgroups");
	close(deny);
	map("/proc/self/uid_map", user);
	map("/proc/self/gid_map", group);
	return (true);
}

static pid_t
start(void)
{
	const pid_t pid = fork();

	if (pid == -1)
		die_errno("fork");
	return (pid);
}

static int
exit_code(int status)
{
	return (WIFEXITED(status) ? WEXITSTATUS(status) :
	    EXIT_SIGNAL + WTERMSIG(status));
}

/* The exit code of one child, once all of them have ended. */
static int
wait_for(pid_t one)
{
	int status, code = EXIT_SYSTEM;
	pid_t pid;

	while ((pid = wait(&status)) != -1 || errno == EINTR)
		if (pid == one)
			code = exit_code(status);
	return (code);
}

/* The number that the next process gets: its own, as it sees it. */
static int
next_number(void)
{
	int ends[2], number;
	pid_t pid;

	if (pipe(ends) == -1)
		die_errno("pipe");
	if ((pid = start()) == 0) {
		number = (int)getpid();
		_exit(write(ends[1], &number, sizeof(number)) == sizeof(number) ? 0 : 1);
	}
	if (wait_for(pid) != 0 ||
	    read(ends[0], &number, sizeof(number)) != sizeof(number))
		die(EXIT_SYSTEM, "a process without a number");
	return (number);
}

static double
seconds(const struct timeval *time)
{
	return ((double)time->tv_sec + (double)time->tv_usec / 1e6);
}

static int
run(const char *file, char *command[], bool counted)
{
	struct rusage usage;
	char processes[16] = "null";
	const pid_t pid = start();
	int status;
	FILE *out;

	if (pid == 0) {
		execvp(command[0], command);
		die_errno("%s", command[0]);
	}
	status = wait_for(pid);
	getrusage(RUSAGE_CHILDREN, &usage);
	if (counted)
		snprintf(processes, sizeof(processes), "%d", next_number() - OURS);
	if ((out = fopen(file, "w")) == NULL || fprintf(out,
	    "{\"cpu\": %.6f, \"peak_kib\": %ld, \"processes\": %s}\n",
	    seconds(&usage.ru_utime) + seconds(&usage.ru_stime), usage.ru_maxrss,
	    processes) < 0 || fclose(out) != 0)
		die_errno("%s", file);
	return (status);
}

int
main(int argc, char *argv[])
{
	bool counted;
	pid_t first;

	diag_init("spent");
	if (argc < 3)
		die(EXIT_USAGE, "usage: spent FILE COMMAND ...");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		die_errno("prctl");
	counted = unshare_numbers();
	if (!counted)
		return (run(argv[1], argv + 2, false));
	if ((first = start()) == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
			die_errno("prctl");
		return (run(argv[1], argv + 2, true));
	}
	return (wait_for(first));
}
