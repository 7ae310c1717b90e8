#ifndef ZR_EXIT_CODE_H
#define ZR_EXIT_CODE_H

/*
 * Exit codes, the same for every program: zr-chain(7).
 *
 * As in a shell, 126 and 127 mean that the rest of the command line could not be
 * executed, and 128+N that a child was ended by signal N.
 */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,	/* the peer or the endpoint answered with an error */
	EXIT_PROTOCOL = 98,	/* the peer violated the protocol; TLS failed */
	EXIT_TIMEOUT = 99,
	EXIT_USAGE = 100,
	EXIT_SYSTEM = 111,	/* a system call failed */
	EXIT_CANNOT_EXEC = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128,
	EXIT_SSH = 255		/* as ssh(1): no connection, or it was lost */
};

#endif
