#ifndef ZR_LABEL_H
#define ZR_LABEL_H

#include "base/error.h"

/*
 * The label by which a client states the purpose of a connection: 64 bytes, NUL-padded
 * (zr-protocol(7), Label).  Pure.
 */
#define LABEL_SIZE	64
#define LABEL_CONTROL	"zrepl_control"
#define LABEL_DATA	"zrepl_data"

/*
 * 1..64 printable characters without blanks, the first not "-"; -1 otherwise
 * (EXIT_USAGE).  out has LABEL_SIZE bytes.
 */
int	label_encode(char out[LABEL_SIZE], const char *label, struct error *error);

/* -1 (EXIT_PROTOCOL) for a label that label_encode() would refuse. */
int	label_decode(char label[LABEL_SIZE + 1], const char in[LABEL_SIZE],
	    struct error *error);

#endif
