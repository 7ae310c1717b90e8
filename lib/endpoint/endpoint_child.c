#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/io.h"
#include "base/signals.h"
#include "endpoint/endpoint_child.h"

/* In the child; errors may be -1. */
static void
be_child(int output, int errors, int (*run)(const void *context),
    const void *context)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(output, STDOUT_FILENO) == -1 ||
	    (errors != -1 && dup2(errors, STDERR_FILENO) == -1))
		_exit(EXIT_SYSTEM);
	signals_restore();
	signal(SIGPIPE, SIG_IGN);
	signals_catch(SIGCHLD);
	_exit(run(context));
}

int
endpoint_child_start(struct process *process, bool errors,
    int (*run)(const void *context), const void *context, struct error *error)
{
	int output[2] = { -1, -1 }, words[2] = { -1, -1 };

	*process = PROCESS_NONE;
	if (pipe2(output, O_CLOEXEC) == -1 ||
	    (errors && pipe2(words, O_CLOEXEC) == -1) ||
	    (process->pid = fork()) == -1) {
		error_errno(error, "cannot start a call");
		for (int i = 0; i < 2; i++) {
			io_close(&output[i]);
			io_close(&words[i]);
		}
		return (-1);
	}
	if (process->pid == 0)
		be_child(output[1], words[1], run, context);
	setpgid(process->pid, process->pid);	/* both do: no race */
	process->group = true;
	process->output = output[0];
	process->errors = words[0];
	io_set_nonblocking(output[0], true);
	if (errors)
		io_set_nonblocking(words[0], true);
	io_close(&output[1]);
	io_close(&words[1]);
	return (0);
}
