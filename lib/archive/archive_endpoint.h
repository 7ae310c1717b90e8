#ifndef ZR_ARCHIVE_ENDPOINT_H
#define ZR_ARCHIVE_ENDPOINT_H

/*
 * zr-endpoint archive: the endpoint interface on a directory of streams.
 * argv[0] is "archive".  Returns the exit code, after printing the reason if it is not
 * 0.
 */
int	archive_endpoint(int argc, char *argv[]);

extern const char archive_endpoint_usage[];

#endif
