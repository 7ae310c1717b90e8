#include <stdbool.h>
#include <string.h>

#include "streamsum/runs.h"

static bool
is_zero(const uint8_t piece[RUNS_PIECE])
{
	return (piece[0] == 0 && memcmp(piece, piece + 1, RUNS_PIECE - 1) == 0);
}

void
runs_end(struct runs *runs, struct sha256 *sha256)
{
	if (runs->length > 0)
		items_end(sha256, 'd', runs->length);
	runs->length = 0;
}

void
runs_go_to(struct runs *runs, uint64_t offset)
{
	runs->offset = offset;
	runs->have = 0;
}

/* Bytes that are not zero, at this offset. */
static void
add_span(struct runs *runs, struct sha256 *sha256, uint64_t offset, const uint8_t *bytes,
    size_t length)
{
	if (runs->end != offset)
		runs_end(runs, sha256);
	if (runs->length == 0)
		items_field(sha256, offset);
	sha256_add(sha256, bytes, length);
	runs->length += length;
	runs->end = offset + length;
}

/* Whole pieces. */
static void
add_pieces(struct runs *runs, struct sha256 *sha256, const uint8_t *bytes, size_t length)
{
	size_t from = 0, to;

	while (from < length) {
		for (to = from; to < length && !is_zero(bytes + to); to += RUNS_PIECE)
			;
		if (to > from)
			add_span(runs, sha256, runs->offset + from, bytes + from, to - from);
		from = to + RUNS_PIECE;
	}
	runs->offset += length;
}

void
runs_add(struct runs *runs, struct sha256 *sha256, const uint8_t *bytes, size_t length)
{
	size_t take;

	for (; length > 0; bytes += take, length -= take) {
		if (runs->have == 0 && length >= RUNS_PIECE) {
			take = length - length % RUNS_PIECE;
			add_pieces(runs, sha256, bytes, take);
			continue;
		}
		take = RUNS_PIECE - runs->have;
		take = length < take ? length : take;
		memcpy(runs->piece + runs->have, bytes, take);
		runs->have += take;
		if (runs->have == RUNS_PIECE) {
			runs->have = 0;
			add_pieces(runs, sha256, runs->piece, RUNS_PIECE);
		}
	}
}
