#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "process.h"
#include "signals.h"

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

/* In the child, with only what is safe before exec. */
static int
settle(const int theirs[3], bool group)
{
	if (group)
		setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		if (theirs[i] != -1 && dup2(theirs[i], i) == -1)
			return (-1);
	signals_restore();
	return (0);
}

int
process_fork(struct process *process, int input, int output, int errors,
    bool group, struct error *error)
{
	const int wanted[3] = { input, output, errors };
	int theirs[3] = { -1, -1, -1 };
	int *const ours[3] = { &process->input, &process->output, &process->errors };
	bool child;

	*process = PROCESS_NONE;
	for (int i = 0; i < 3; i++)
		if (prepare(wanted[i], i, &theirs[i], ours[i]) == -1) {
			error_errno(error, "cannot set up a pipe");
			goto out;
		}
	process->group = group;
	process->pid = fork();
	if (process->pid == -1)
		error_errno(error, "fork");
	if (process->pid == 0 && settle(theirs, group) == -1)
		_exit(EXIT_SYSTEM);
	if (process->pid > 0 && group)
		setpgid(process->pid, process->pid);	/* both do: no race */
out:
	child = process->pid == 0;
	for (int i = 0; i < 3; i++)
		io_close(&theirs[i]);
	if (process->pid <= 0)
		process_close(process);
	return (child ? 1 : process->pid == -1 ? -1 : 0);
}

/* The child of process_start(); reports errno where it cannot execute. */
static void
execute(char *const argv[], int report)
{
	int problem;

	execvp(argv[0], argv);
	problem = errno;
	if (write(report, &problem, sizeof(problem)) == -1)
		_exit(EXIT_SYSTEM);
	_exit(problem == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC);
}

int
process_start(struct process *process, char *const argv[], int input,
    int output, int errors, bool group, struct error *error)
{
	int report[2] = { -1, -1 };
	int problem, result;

	*process = PROCESS_NONE;
	if (pipe2(report, O_CLOEXEC) == -1)
		return (error_errno(error, "pipe"));
	result = process_fork(process, input, output, errors, group, error);
	if (result == 1)
		execute(argv, report[1]);
	io_close(&report[1]);
	if (result == 0 &&
	    io_read(report[0], &problem, sizeof(problem)) == sizeof(problem)) {
		process_wait(process);
		process_close(process);
		result = error_set(error, problem == ENOENT ? EXIT_NOT_FOUND :
		    EXIT_CANNOT_EXEC, "cannot execute %s: %s", argv[0],
		    strerror(problem));
	}
	io_close(&report[0]);
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
