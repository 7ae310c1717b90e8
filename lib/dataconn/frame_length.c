#include "dataconn/frame.h"
#include "dataconn/frame_length.h"

/* As long as more may come, enough bytes are kept for a last frame of two bytes. */
#define TAIL 2u

size_t
frame_length(size_t length, enum frame_length_part part)
{
	const size_t tail = part == FRAME_LENGTH_LAST ? 0 : TAIL;
	size_t piece;

	if (length < 2 + tail)
		return (0);
	piece = length - tail < FRAME_PAYLOAD_MAX ? length - tail : FRAME_PAYLOAD_MAX;
	return (length - piece == 1 ? piece - 1 : piece);
}
