/*
 * zr-stdinserver: the forced command of an ssh key.  It greets the client
 * on 0 and 1, names it, and becomes the server's programs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "transport/chain.h"
#include "transport/extension.h"
#include "transport/identity.h"
#include "transport/sshcon.h"

#include "core/core.h"

#define GREETING_SECONDS 10

static const char usage[] =
    "zr-stdinserver [-f READ,WRITE] [-t SECONDS] IDENTITY PROGRAM ...";

/* sshd says "REMOTEIP REMOTEPORT LOCALIP LOCALPORT"; we say it as UCSPI does. */
static void
set_addresses(void)
{
	static const char *const names[] = { "TCPREMOTEIP", "TCPREMOTEPORT",
	    "TCPLOCALIP", "TCPLOCALPORT" };
	const char *connection = getenv("SSH_CONNECTION");
	char copy[256], *rest = copy, *word;

	if (connection == NULL ||
	    strlcpy(copy, connection, sizeof(copy)) >= sizeof(copy))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) &&
	    (word = strsep(&rest, " ")) != NULL; i++)
		if (setenv(names[i], word, 1) == -1)
			die_errno("environment");
	if (setenv("PROTO", "TCP", 1) == -1)
		die_errno("environment");
}

int
stdinserver_main(int argc, char *argv[])
{
	struct chain chain = CHAIN_SERVER;
	struct error error, ignored;
	int64_t deadline, seconds = GREETING_SECONDS;
	const char *identity;
	int option;

	usage_begin("zr-stdinserver", usage, argc, argv);
	while ((option = usage_getopt(usage, argc, argv, "+f:ht:")) != -1)
		switch (option) {
		case 'f':
			chain_option(&chain, optarg);
			break;
		case 't':
			seconds = usage_number('t', "seconds", optarg, 1, 3600);
			break;
		}
	argv += optind;
	if (argv[0] == NULL || argv[1] == NULL)
		usage_die(usage);
	usage_operand("a program", argv[1]);
	identity = argv[0];

	unsetenv("ZR_CLIENT_IDENTITY");
	extension_export(NULL);
	set_addresses();
	diag_refresh();
	if (chain_check(&chain, &error) == -1)
		diag_die(&error);
	deadline = io_now() + 1000 * seconds;
	if (!identity_valid(identity)) {
		sshcon_refuse(&chain, deadline, &ignored);
		die(EXIT_USAGE, "\"%s\" is not usable as an identity (%s)",
		    identity, IDENTITY_RULE);
	}
	if (setenv("ZR_CLIENT_IDENTITY", identity, 1) == -1)
		die_errno("environment");
	diag_refresh();
	if (sshcon_accept(&chain, deadline, &error) == -1)
		diag_die(&error);
	chain_exec(&chain, argv + 1);
}
