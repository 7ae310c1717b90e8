/*
 * relay PATH READ WRITE: copy between the network, on descriptors READ and
 * WRITE, and a unix socket, each direction to its own end.
 *
 * For transport.py, whose tests it stands beside the other end's transport.
 * It is started in the middle of connections that measure time, where an
 * interpreter takes too long.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"

static void
copy(int source, int sink)
{
	static char bytes[64 << 10];
	struct error error;
	ssize_t got;

	while ((got = io_read(source, bytes, sizeof(bytes))) > 0)
		if (io_write_all(sink, bytes, (size_t)got, IO_FOREVER,
		    &error) == -1) {
			/* Whoever writes must not be held up. */
			while (io_read(source, bytes, sizeof(bytes)) > 0)
				;
			return;
		}
	shutdown(sink, SHUT_WR);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int network_in, network_out, ours;
	pid_t child;

	diag_init("relay");
	if (argc != 4)
		usage_die("relay PATH READ WRITE");
	network_in = atoi(argv[2]);
	network_out = atoi(argv[3]);
	signal(SIGPIPE, SIG_IGN);
	ours = socket(AF_UNIX, SOCK_STREAM, 0);
	strlcpy(name.sun_path, argv[1], sizeof(name.sun_path));
	if (ours == -1 || connect(ours, (struct sockaddr *)&name,
	    sizeof(name)) == -1)
		die_errno("%s", argv[1]);
	/* sshd takes the output for ended when nobody has either of 1 and 2. */
	close(STDERR_FILENO);
	child = fork();
	if (child == -1)
		die_errno("fork");
	if (child == 0) {
		copy(ours, network_out);
		return (EXIT_DONE);
	}
	if (network_out != network_in)
		close(network_out);	/* a pipe ends when nobody has it */
	copy(network_in, ours);
	waitpid(child, NULL, 0);
	return (EXIT_DONE);
}
