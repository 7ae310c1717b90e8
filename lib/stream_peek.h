#ifndef ZR_STREAM_PEEK_H
#define ZR_STREAM_PEEK_H

#include <stdbool.h>

#include "zstream.h"

/*
 * Look at how a stream begins without taking anything from the descriptor,
 * so that another process can read all of it: pipes (by tee(2), on Linux),
 * sockets and files.
 */
#define STREAM_PEEK_MS 2000	/* how long to wait for the rest of a beginning */

/*
 * Waits until there are bytes, or the end.  True if *begin tells what stream
 * this is (begin->begun); false where that cannot be seen, which is no error:
 * zfs will read it and say.
 */
bool	stream_peek(int fd, struct zstream *begin);

#endif
