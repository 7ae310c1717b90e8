#ifndef ZR_RECEIVER_ENDPOINT_H
#define ZR_RECEIVER_ENDPOINT_H

/*
 * zr-endpoint receiver: the endpoint interface on the filesystems below a root, for
 * clients that replicate into it.  argv[0] is "receiver".  Returns the exit code, after
 * printing the reason if it is not 0.
 */
int	receiver_endpoint(int argc, char *argv[]);

extern const char receiver_endpoint_usage[];

#endif
