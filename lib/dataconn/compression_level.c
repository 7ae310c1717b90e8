#include "dataconn/compression_level.h"
#include "dataconn/compression_sample.h"

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

#define NONE_SLOW	3u	/* times none was no faster: not by chance; twice as slow: two */
#define STALL		4	/* times as long as usual: not the turns of other processes */

/*
 * After so many pieces that were passed over a trial is at the lowest level.  Before, it
 * is not: another level forgets what was sent, and some streams only repeat that.
 */
#define TRIALS_AT_RUNG	8u

void
compression_level_init(struct compression_level *level)
{
	*level = (struct compression_level){ .rung = LOWEST, .ceiling = HIGHEST,
	    .ceiling_hold = CEILING_HOLD, .none_hold = NONE_HOLD,
	    .none_left = NONE_FIRST, .some_hold = SOME_HOLD };
}

/* Does it look better than what was tried in vain? */
static bool
is_promising(const struct compression_level *level, unsigned sample)
{
	return (sample >= COMPRESSION_SAMPLE_PROMISING &&
	    sample > level->vain_sample + level->vain_sample / 4);
}

bool
compression_level_passes(const struct compression_level *level)
{
	return (level->skip_left > 0 || level->rung == NONE);
}

int
compression_level_next(struct compression_level *level, unsigned sample)
{
	const bool promising = is_promising(level, sample);

	if (promising)
		level->skip_left = 0;
	level->tried = !compression_level_passes(level);
	level->sample = sample;
	if (!level->tried)
		return (COMPRESSION_LEVEL_NONE);
	return (ladder[level->skips > TRIALS_AT_RUNG && !promising ? LOWEST :
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

/* What went by in a window, for COMPRESSION_LEVEL_WINDOW bytes. */
struct spent {
	int64_t elapsed, network, source;
	int64_t busy;		/* not waiting */
};

static struct spent
spent(const struct compression_level *level, int64_t now)
{
	const int64_t kib = COMPRESSION_LEVEL_WINDOW >> 10;
	const int64_t bytes_kib = (int64_t)(level->bytes >> 10);
	const int64_t elapsed = now - level->since;
	const int64_t ours = elapsed - level->network - level->source;

	return ((struct spent){ .elapsed = elapsed * kib / bytes_kib,
	    .network = level->network * kib / bytes_kib,
	    .source = level->source * kib / bytes_kib,
	    .busy = (ours > level->compressing ? ours : level->compressing) *
	    kib / bytes_kib });
}

/*
 * Sent as it was.  It stays so if that was faster than the lowest level, which is tried
 * again from time to time.
 */
static void
judge_none(struct compression_level *level, const struct spent *spent)
{
	if (spent->elapsed < level->packed_cost) {
		level->none_slow = 0;
		if (level->none_hold > NONE_HOLD)
			level->none_hold /= 2;
		if (level->some_left > 0)
			return;
	} else {
		level->none_slow += spent->elapsed >= 2 * level->packed_cost ? 2 : 1;
		if (level->none_slow < NONE_SLOW)
			return;
		hold_off(&level->none_left, &level->none_hold);
	}
	level->rung = LOWEST;
}

/*
 * What a window costs at the lowest level: the later ones count for more.  One in which the
 * machine stood still counts for little, and is forgotten with the next one.
 */
static void
note_packed(struct compression_level *level, const struct spent *spent)
{
	const int64_t known = level->packed_cost, now = spent->elapsed;

	if (known == 0 || now < known / STALL)
		level->packed_cost = now;
	else
		level->packed_cost = (known + (now < known * STALL ? now :
		    known * STALL)) / 2;
}

/* The highest rung that leaves a quarter of the time that the network gives. */
static void
rise(struct compression_level *level, const struct spent *spent)
{
	const int64_t time = spent->network + spent->busy;
	const size_t top = level->ceiling_left > 0 ? level->ceiling : HIGHEST;
	const int64_t cost = ladder[level->rung].cost;

	level->rung_before = level->rung;
	while (level->rung < top && ladder[level->rung + 1].cost *
	    spent->busy <= cost * time * 3 / 4)
		level->rung++;
	if (level->rung > level->rung_before)
		level->cost_before = spent->elapsed;
}

/* Back to a lower rung: for a while not above it. */
static void
fall(struct compression_level *level, size_t rung)
{
	level->rung = level->ceiling = rung;
	hold_off(&level->ceiling_left, &level->ceiling_hold);
}

static void
judge_some(struct compression_level *level, const struct spent *spent)
{
	const int64_t waited = spent->network + spent->source;
	const int64_t before = level->cost_before;

	level->cost_before = 0;
	if (level->rung == LOWEST && level->shrunk >= level->bytes / 4)
		note_packed(level, spent);
	if (before > 0 && spent->elapsed > before + before / 4 &&
	    spent->busy > spent->network)
		fall(level, level->rung_before);
	else if (level->rung == LOWEST && level->none_left == 0 &&
	    spent->busy > spent->elapsed / 4 && spent->source < spent->elapsed / 2 &&
	    level->shrunk >= level->bytes / 4) {
		level->none_slow = 0;
		level->rung = NONE;
		hold_off(&level->some_left, &level->some_hold);
	} else if (spent->network > spent->busy) {
		if (level->shrunk >= level->bytes / 2)
			rise(level, spent);
	} else if (waited < spent->busy / 8 && level->rung > LOWEST)
		fall(level, level->rung - 1);
	else if (spent->source > spent->network + spent->busy &&
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
	const unsigned pieces = (unsigned)((bytes + COMPRESSION_LEVEL_PIECE - 1) /
	    COMPRESSION_LEVEL_PIECE);

	if (!level->tried)
		level->skip_left -= pieces < level->skip_left ? pieces : level->skip_left;
	else if (pays(bytes, packed)) {
		level->skips = level->vain_sample = 0;
		level->shrunk += bytes;
	} else {
		level->skips = level->skips == 0 ? 1 : level->skips * 2;
		if (level->skips > COMPRESSION_LEVEL_SKIPS)
			level->skips = COMPRESSION_LEVEL_SKIPS;
		level->skip_left = level->skips;
		if (level->sample > level->vain_sample)
			level->vain_sample = level->sample;
	}
	level->tried = false;
}

void
compression_level_done(struct compression_level *level, size_t bytes, size_t packed,
    int64_t took, int64_t now)
{
	struct spent window;

	judge_piece(level, bytes, packed);
	if (!level->begun) {
		begin_window(level, now);
		return;
	}
	level->bytes += bytes;
	level->compressing += took;
	if (level->bytes < COMPRESSION_LEVEL_WINDOW ||
	    now - level->since < COMPRESSION_LEVEL_WINDOW_US)
		return;
	window = spent(level, now);
	pass(&level->ceiling_left);
	pass(&level->none_left);
	pass(&level->some_left);
	if (level->rung == NONE)
		judge_none(level, &window);
	else
		judge_some(level, &window);
	begin_window(level, now);
}
