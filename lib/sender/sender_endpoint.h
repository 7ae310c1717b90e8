#ifndef ZR_SENDER_ENDPOINT_H
#define ZR_SENDER_ENDPOINT_H

/*
 * zr-endpoint sender: the endpoint interface on this host's own filesystems, for
 * clients that replicate them.  argv[0] is "sender".  Returns the exit code, after
 * printing the reason if it is not 0.
 */
int	sender_endpoint(int argc, char *argv[]);

extern const char sender_endpoint_usage[];

#endif
