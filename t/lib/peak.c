/*
 * peak FILE COMMAND ...: run it, and write to FILE how many KiB of memory the
 * largest of it and the processes it waited for had at most.  Exits as it does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"

int
main(int argc, char *argv[])
{
	struct rusage usage;
	int status;
	pid_t pid;
	FILE *out;

	diag_init("peak");
	if (argc < 3)
		die(EXIT_USAGE, "usage: peak FILE COMMAND ...");
	if ((pid = fork()) == -1)
		die_errno("fork");
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		die_errno("%s", argv[2]);
	}
	if (wait4(pid, &status, 0, &usage) == -1)
		die_errno("wait");
	if ((out = fopen(argv[1], "w")) == NULL ||
	    fprintf(out, "%ld\n", usage.ru_maxrss) < 0 || fclose(out) != 0)
		die_errno("%s", argv[1]);
	return (WIFEXITED(status) ? WEXITSTATUS(status) :
	    EXIT_SIGNAL + WTERMSIG(status));
}
