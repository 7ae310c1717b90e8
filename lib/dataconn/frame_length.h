#ifndef ZR_FRAME_LENGTH_H
#define ZR_FRAME_LENGTH_H

#include <stddef.h>

/*
 * How bytes are cut into frames.  A payload of exactly one byte kills a zrepl process
 * (zr-protocol(7), Frames of a data connection), so no frame of one byte is ever
 * written.
 */
enum frame_length_part {
	FRAME_LENGTH_MORE,	/* other bytes may follow these */
	FRAME_LENGTH_LAST	/* these are the last ones */
};

/* The most bytes that are kept for a next frame. */
#define FRAME_LENGTH_KEPT_MAX 3

/*
 * How many of the length bytes go into the next frame: never one, never all but one.
 *
 * FRAME_LENGTH_LAST: 0 means that the bytes cannot be sent: there is one, or none.
 * FRAME_LENGTH_MORE: the caller keeps the other bytes for the next frame.  If length is
 * at most FRAME_PAYLOAD_MAX, these are at most FRAME_LENGTH_KEPT_MAX.
 */
size_t	frame_length(size_t length, enum frame_length_part part);

#endif
