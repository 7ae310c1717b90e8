#include "dataconn/compression_level.h"

/*
 * The levels that are worth it, with the time that each takes for the same bytes, as
 * measured.  Those below 1 are not faster than it, 2 hardly; 4 is no better than 3, nor 7
 * and 8 than 6.
 */
static const struct {
	int level;
	int64_t cost;
} ladder[] = { { COMPRESSION_LEVEL_NONE, 0 }, { 1, 10 }, { 3, 13 }, { 5, 28 },
    { 6, 37 }, { 9, 80 } };

#define NONE	0u
#define LOWEST	1u
#define HIGHEST	(sizeof(ladder) / sizeof(ladder[0]) - 1)

/* Windows, the first time: of a level that was too slow, of none, of some. */
#define CEILING_HOLD	4u
#define NONE_HOLD	16u
#define NONE_FIRST	2u	/* at first the kernel's buffers take everything */
#define SOME_HOLD	32u

void
compression_level_init(struct compression_level *level)
{
	*level = (struct compression_level){ .rung = LOWEST, .ceiling = HIGHEST,
	    .ceiling_hold = CEILING_HOLD, .none_hold = NONE_HOLD,
	    .none_left = NONE_FIRST, .some_hold = SOME_HOLD };
}

int
compression_level_next(const struct compression_level *level)
{
	if (level->skip_left > 0)
		return (COMPRESSION_LEVEL_NONE);
	return (ladder[level->skips > 0 && level->rung != NONE ? LOWEST :
	    level->rung].level);
}

void
compression_level_waited(struct compression_level *level, bool network, int64_t took)
{
	*(network ? &level->network : &level->source) += took;
}

static void
begin_window(struct compression_level *level, int64_t now)
{
	level->begun = true;
	level->since = now;
	level->bytes = level->shrunk = 0;
	level->compressing = level->network = level->source = 0;
}

/* Not again for the windows in *hold, and for twice as many the next time. */
static void
hold_off(unsigned *left, unsigned *hold)
{
	*left = *hold;
	if (*hold < COMPRESSION_LEVEL_HOLDS)
		*hold *= 2;
}

static void
pass(unsigned *left)
{
	*left -= *left > 0;
}

/*
 * Sent as it was.  It stays so if that was faster than the lowest level, which is tried
 * again from time to time if it could compress while we wait.
 */
static void
judge_none(struct compression_level *level, int64_t elapsed)
{
	const int64_t waited = level->network + level->source;

	if (level->packed_cost > 0 && elapsed >= level->packed_cost)
		hold_off(&level->none_left, &level->none_hold);
	else if (level->some_left > 0 || level->packing_cost >= waited * 3 / 4)
		return;
	level->packed_cost = 0;
	level->rung = LOWEST;
}

/* The highest rung that leaves a quarter of the time that the network gives. */
static void
rise(struct compression_level *level, int64_t elapsed)
{
	const int64_t time = level->network + level->compressing;
	const size_t top = level->ceiling_left > 0 ? level->ceiling : HIGHEST;
	const int64_t cost = ladder[level->rung].cost;

	level->rung_before = level->rung;
	while (level->rung < top && ladder[level->rung + 1].cost *
	    level->compressing <= cost * time * 3 / 4)
		level->rung++;
	if (level->rung > level->rung_before)
		level->cost_before = elapsed;
}

/* Back to a lower rung: for a while not above it. */
static void
fall(struct compression_level *level, size_t rung)
{
	level->rung = level->ceiling = rung;
	hold_off(&level->ceiling_left, &level->ceiling_hold);
}

static void
judge_some(struct compression_level *level, int64_t elapsed)
{
	const int64_t waited = level->network + level->source;
	const int64_t before = level->cost_before;

	level->cost_before = 0;
	if (before > 0 && elapsed > before + before / 4)
		fall(level, level->rung_before);
	else if (level->rung == LOWEST && level->none_left == 0 &&
	    level->compressing > elapsed / 4) {
		level->packed_cost = elapsed;
		level->packing_cost = level->compressing;
		level->rung = NONE;
		hold_off(&level->some_left, &level->some_hold);
	} else if (level->network > level->compressing) {
		if (level->shrunk >= level->bytes / 2)
			rise(level, elapsed);
	} else if (waited < level->compressing / 8 && level->rung > LOWEST)
		fall(level, level->rung - 1);
	else if (level->source > level->network + level->compressing &&
	    level->rung > LOWEST)
		level->rung--;
}

/* Did it shrink by an eighth? */
static bool
pays(size_t bytes, size_t packed)
{
	return (packed < bytes - bytes / 8);
}

/* What was the piece: one to be skipped, a trial, or one as all? */
static void
judge_piece(struct compression_level *level, size_t bytes, size_t packed)
{
	if (level->skip_left > 0)
		level->skip_left--;
	else if (level->rung == NONE || pays(bytes, packed)) {
		level->skips = 0;
		level->shrunk += level->rung == NONE ? 0 : bytes;
	} else {
		level->skips = level->skips == 0 ? 1 : level->skips * 2;
		if (level->skips > COMPRESSION_LEVEL_SKIPS)
			level->skips = COMPRESSION_LEVEL_SKIPS;
		level->skip_left = level->skips;
	}
}

void
compression_level_done(struct compression_level *level, size_t bytes, size_t packed,
    int64_t took, int64_t now)
{
	judge_piece(level, bytes, packed);
	if (!level->begun) {
		begin_window(level, now);
		return;
	}
	level->bytes += bytes;
	level->compressing += took;
	if (level->bytes < COMPRESSION_LEVEL_WINDOW)
		return;
	pass(&level->ceiling_left);
	pass(&level->none_left);
	pass(&level->some_left);
	if (level->rung == NONE)
		judge_none(level, now - level->since);
	else
		judge_some(level, now - level->since);
	begin_window(level, now);
}
