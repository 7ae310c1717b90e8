#ifndef ZR_ENDPOINT_BATCH_H
#define ZR_ENDPOINT_BATCH_H

/*
 * The batch form of the endpoint interface (zr-endpoint-interface(7)) for a
 * program that has the form of one call: requests on standard input until its
 * end, answers on standard output.  Each call runs in a forked child in a
 * process group of its own, ENDPOINT_BATCH_CALLS of them at once; a call that
 * is cancelled has its group ended.
 *
 * run gets argv with its last element, "batch", replaced by the method; the
 * request is its first line of standard input, and what it returns is its
 * exit code.  Returns the exit code of the whole.
 */
#define ENDPOINT_BATCH_CALLS 16

int	endpoint_batch(int (*run)(int argc, char *argv[]), int argc, char *argv[]);

#endif
