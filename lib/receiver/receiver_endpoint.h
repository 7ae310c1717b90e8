#ifndef ZR_RECEIVER_ENDPOINT_H
#define ZR_RECEIVER_ENDPOINT_H

/*
 * zr-endpoint receiver: the endpoint interface on the filesystems below a
 * root, for those who replicate into it.  argv[0] is "receiver"; returns the
 * exit code, having said why it is not 0.
 */
int	receiver_endpoint(int argc, char *argv[]);

extern const char receiver_endpoint_usage[];

#endif
