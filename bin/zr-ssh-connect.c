/*
 * zr-ssh-connect: a connection to a stdinserver over ssh, on descriptors 6
 * and 7 of the rest of the command line.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/process.h"
#include "transport/chain.h"
#include "transport/extension.h"
#include "transport/sshcon.h"

#include "core/core.h"

#define GREETING_SECONDS 30	/* ssh's own connection included */
#define END_SECONDS 5		/* for ssh to say why it failed */
#define WORDS_MAX 128

static const char usage[] =
    "zr-ssh-connect [-f READ,WRITE] [-i IDENTITY-FILE] [-o OPTION] ... [-p PORT] [-t SECONDS] [USER@]HOST PROGRAM ...";

/* ssh's command line: its options as they come, then "-- HOST". */
struct command {
	const char *words[WORDS_MAX];	/* NULL after the last */
	size_t count;
};

static void
add(struct command *command, const char *option, const char *value)
{
	if (command->count + 3 > WORDS_MAX)
		die(EXIT_USAGE, "too many options for ssh");
	command->words[command->count++] = option;
	if (value != NULL)
		command->words[command->count++] = value;
}

/*
 * The greeting did not come.  If ssh has failed, the cause is on standard error already,
 * from ssh or from the other side's command, and the missing greeting only follows from
 * it: a hint, so that a reader of the last line as the cause gets ssh's.
 */
static void
fail(struct process *ssh, const struct error *error)
{
	const int64_t deadline = io_now() + 1000 * END_SECONDS;
	int code;

	while (error->code != EXIT_TIMEOUT && !process_has_ended(ssh) &&
	    io_now() < deadline)
		io_poll(NULL, 0, io_now() + 10);
	if (process_has_ended(ssh)) {
		code = process_wait(ssh);
		if (code == 0 || error->cause != ERROR_END)
			diag_die(error);
		die(error->code, DIAG_HINT "ssh ended with status %d and without a "
		    "greeting: its message above is the cause", code);
	}
	process_signal(ssh, SIGTERM);
	diag_die(error);
}

int
ssh_connect_main(int argc, char *argv[])
{
	struct command command = { .count = 0 };
	struct chain chain = CHAIN_CLIENT, ours;
	struct process ssh;
	struct error error;
	int64_t deadline, seconds = GREETING_SECONDS;
	int option, to_ssh[2], from_ssh[2];

	usage_begin("zr-ssh-connect", usage, argc, argv);
	add(&command, getenv("ZR_SSH") != NULL ? getenv("ZR_SSH") : "ssh", NULL);
	add(&command, "-T", NULL);
	while ((option = usage_getopt(usage, argc, argv, "+f:hi:o:p:t:")) != -1)
		switch (option) {
		case 'f':
			chain_option(&chain, optarg);
			break;
		case 'i':
			add(&command, "-i", optarg);
			break;
		case 'o':
			add(&command, "-o", optarg);
			break;
		case 'p':
			usage_number('p', "a port", optarg, 1, 65535);
			add(&command, "-p", optarg);
			break;
		case 't':
			seconds = usage_number('t', "seconds", optarg, 1, 3600);
			break;
		}
	argv += optind;
	if (argv[0] == NULL || argv[1] == NULL)
		usage_die(usage);
	usage_operand("a host", argv[0]);
	usage_operand("a program", argv[1]);
	if (chain.read_fd == chain.write_fd)
		die(EXIT_USAGE, "-f %d,%d: this connection has a descriptor for "
		    "each direction", chain.read_fd, chain.write_fd);
	/* After the user's: ssh takes the first value that it sees. */
	add(&command, "-o", "BatchMode=yes");
	add(&command, "--", argv[0]);

	signal(SIGPIPE, SIG_IGN);
	deadline = io_now() + 1000 * seconds;
	/*
	 * A pair for each direction: on a single one the end of ssh's output would not
	 * show while ssh still reads from it.
	 */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to_ssh) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, from_ssh) == -1)
		die_errno("socketpair");
	if (process_start(&ssh, (char *const *)command.words, to_ssh[1], from_ssh[1],
	    PROCESS_INHERIT, false, &error) == -1)
		diag_die(&error);
	close(to_ssh[1]);
	close(from_ssh[1]);
	ours = (struct chain){ .read_fd = from_ssh[0], .write_fd = to_ssh[0] };
	if (sshcon_connect(&ours, deadline, &error) == -1) {
		close(ours.read_fd);
		close(ours.write_fd);
		fail(&ssh, &error);
	}
	extension_export(NULL);		/* an inherited value */
	if (chain_adopt(&chain, ours, &error) == -1)
		diag_die(&error);
	chain_exec(&chain, argv + 1);
}
