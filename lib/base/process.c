#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "base/program.h"
#include "base/signals.h"

/* What the child gets as descriptor `number`; our own end goes to *ours. */
static int
prepare(int wanted, int number, int *theirs, int *ours)
{
	int ends[2];

	*ours = -1;
	switch (wanted) {
	case PROCESS_INHERIT:
		*theirs = -1;
		return (0);
	case PROCESS_NULL:
		*theirs = open("/dev/null", O_RDWR | O_CLOEXEC);
		return (*theirs == -1 ? -1 : 0);
	case PROCESS_PIPE:
		if (pipe2(ends, O_CLOEXEC) == -1)
			return (-1);
		*theirs = ends[number == 0 ? 0 : 1];
		*ours = ends[number == 0 ? 1 : 0];
		return (io_set_nonblocking(*ours, true));
	default:
		*theirs = fcntl(wanted, F_DUPFD_CLOEXEC, 3);
		return (*theirs == -1 ? -1 : 0);
	}
}

/* Reports errno and ends, if it cannot be executed. */
static void
child(char *const argv[], const int theirs[3], int report, bool group)
{
	int problem;

	if (group)
		setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		if (theirs[i] != -1 && dup2(theirs[i], i) == -1)
			goto out;
	program_exec(argv);
out:
	problem = errno;
	if (write(report, &problem, sizeof(problem)) == -1)
		_exit(EXIT_SYSTEM);
	_exit(problem == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC);
}

int
process_start(struct process *process, char *const argv[], int input,
    int output, int errors, bool group, struct error *error)
{
	const int wanted[3] = { input, output, errors };
	int theirs[3] = { -1, -1, -1 }, report[2] = { -1, -1 };
	int *const ours[3] = { &process->input, &process->output, &process->errors };
	int problem, result = -1;

	*process = PROCESS_NONE;
	for (int i = 0; i < 3; i++)
		if (prepare(wanted[i], i, &theirs[i], ours[i]) == -1) {
			error_errno(error, "cannot set up a pipe");
			goto out;
		}
	if (pipe2(report, O_CLOEXEC) == -1) {
		error_errno(error, "pipe");
		goto out;
	}
	process->group = group;
	process->pid = fork();
	if (process->pid == -1) {
		error_errno(error, "fork");
		goto out;
	}
	if (process->pid == 0)
		child(argv, theirs, report[1], group);
	if (group)
		setpgid(process->pid, process->pid);	/* both do: no race */
	io_close(&report[1]);
	if (io_read(report[0], &problem, sizeof(problem)) == sizeof(problem)) {
		process_wait(process);
		error_set(error, problem == ENOENT ? EXIT_NOT_FOUND :
		    EXIT_CANNOT_EXEC, "cannot execute %s: %s", argv[0],
		    strerror(problem));
		goto out;
	}
	result = 0;
out:
	for (int i = 0; i < 3; i++)
		io_close(&theirs[i]);
	io_close(&report[0]);
	io_close(&report[1]);
	if (result == -1)
		process_close(process);
	return (result);
}

int
process_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return (EXIT_SIGNAL + WTERMSIG(wait_status));
	return (WEXITSTATUS(wait_status));
}

int
process_code_signal(int exit_code)
{
	const int number = exit_code - EXIT_SIGNAL;

	return (number > 0 && number <= SIGRTMAX ? number : 0);
}

int
process_wait(struct process *process)
{
	int status;

	while (waitpid(process->pid, &status, 0) == -1)
		if (errno != EINTR)
			return (EXIT_SYSTEM);
	process->pid = -1;
	return (process_exit_code(status));
}

bool
process_has_ended(const struct process *process)
{
	siginfo_t information = { .si_pid = 0 };

	return (process->pid != -1 && waitid(P_PID, (id_t)process->pid,
	    &information, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    information.si_pid != 0);
}

void
process_signal(const struct process *process, int signal_number)
{
	if (process->pid > 0)
		kill(process->group ? -process->pid : process->pid, signal_number);
}

void
process_close(struct process *process)
{
	io_close(&process->input);
	io_close(&process->output);
	io_close(&process->errors);
}
