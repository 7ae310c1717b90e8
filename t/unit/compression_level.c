/* The level of compression, on lines and streams that are numbers. */
#include "dataconn/compression_level.h"
#include "unit.h"

#define PIECE (128u << 10)

/* Times for a piece, in microseconds. */
struct world {
	int64_t compressing;	/* at level 1 */
	int64_t line;		/* for a whole piece that is not compressed */
	int64_t source;		/* to make one */
	unsigned shrinks;	/* to one part of this many; 1: it does not */
	unsigned odd;		/* every how many-th piece does not shrink; 0: none */
	unsigned others;	/* processes that want the processor, too */
	int64_t inflating;	/* what the receiver takes for a compressed piece */
	bool even;		/* no sample tells that a piece shrinks */
	unsigned part;		/* of so many pieces every second one is random; 0: none */
};

struct history {
	int64_t now;
	unsigned of_level[10];	/* pieces */
	unsigned last;		/* the level of the last one */
	int64_t compressing;	/* time, in all */
	unsigned shrinking, shrunk;	/* pieces that would, and that did */
	int64_t turn;		/* processor time since the others last had theirs, */
	unsigned turns;		/* for this many times */
};

/*
 * We need this much processor time.  After each 3 ms of ours the others get as much each,
 * on the average: none to twice as many of them want it.
 */
static void
work(struct history *history, const struct world *world, int64_t took)
{
	history->now += took;
	for (history->turn += took; history->turn >= 3000; history->turn -= 3000)
		history->now += 3000 * (history->turns++ * 7 % (2 * world->others + 1));
}

static bool
is_random(const struct world *world, unsigned piece)
{
	return (world->shrinks == 1 || (world->odd != 0 && piece % world->odd == 0) ||
	    (world->part != 0 && piece / world->part % 2 == 1));
}

/*
 * We compress, and then wait until the line has taken what we have given it before, or
 * the source has the next piece.
 */
static void
run(struct compression_level *level, const struct world *world, unsigned pieces,
    struct history *history)
{
	static const int64_t cost[10] = { 0, 100, 105, 130, 200, 280, 370, 500, 600, 800 };
	int64_t took, line, line_free = history->now, source_ready = history->now;
	bool random;
	size_t packed;
	int l;

	*history = (struct history){ .now = history->now };
	for (unsigned i = 0; i < pieces; i++) {
		random = is_random(world, i);
		l = compression_level_next(level, random || world->even ? 128 : 2000);
		took = world->compressing * cost[l] / 100;
		packed = l == 0 || random ? PIECE : PIECE / world->shrinks;
		work(history, world, took);
		history->shrinking += !random;
		history->shrunk += packed < PIECE;
		history->compressing += took;
		history->of_level[l]++;
		history->last = (unsigned)l;
		compression_level_done(level, PIECE, packed, took, history->now);
		line = world->line * (int64_t)packed / PIECE;
		if (l > 0 && line < world->inflating)
			line = world->inflating;
		if (line_free > history->now) {
			compression_level_waited(level, true,
			    line_free - history->now);
			history->now = line_free;
		}
		line_free = history->now + line;
		source_ready += world->source;
		if (source_ready > history->now) {
			compression_level_waited(level, false,
			    source_ready - history->now);
			history->now = source_ready;
		}
		work(history, world, 20);	/* reading and writing */
	}
}

/* The share of pieces at these levels, in per cent. */
static unsigned
share(const struct history *history, int from, int to)
{
	unsigned some = 0, all = 0;

	for (int i = 0; i < 10; i++) {
		all += history->of_level[i];
		some += i >= from && i <= to ? history->of_level[i] : 0;
	}
	return (100 * some / all);
}

static struct compression_level level;
static struct history history;

static void
from_the_beginning(struct world world, unsigned pieces)
{
	compression_level_init(&level);
	history.now = 0;
	run(&level, &world, pieces, &history);
}

int
main(void)
{
	struct history plain;
	unsigned slow = 0, vain = 0, repeated = 0;
	int before = 0;

	TEST("a slow line gets the highest level, within the first windows") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3 }, 1000);
		CHECK(history.last == 9 && share(&history, 9, 9) >= 97);
	}
	TEST("a faster line gets a level that it can wait for") {
		from_the_beginning((struct world){ .compressing = 200, .line = 2400,
		    .shrinks = 3 }, 4000);
		CHECK(share(&history, 3, 6) >= 85);
		/* And is as fast as if compressing took no time. */
		CHECK(history.now < 4000 * 2400 / 3 * 21 / 20);
	}
	TEST("a line that is faster than level 1 with profit gets what it would get anyway") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100,
		    .shrinks = 3 }, 50000);
		CHECK(history.last == 0 && share(&history, 0, 0) >= 98);
		CHECK(history.now < 50000 * (100 + 20) * 103 / 100);
	}
	TEST("so it does if others have the processor most of the time") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100,
		    .shrinks = 3, .others = 4 }, 50000);
		CHECK(share(&history, 0, 0) >= 90);
		from_the_beginning((struct world){ .compressing = 200, .line = 400,
		    .shrinks = 3, .others = 4 }, 50000);
		CHECK(share(&history, 0, 0) >= 90);
	}
	TEST("so it does if the receiver takes longer to inflate") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100,
		    .shrinks = 3, .inflating = 400 }, 50000);
		CHECK(share(&history, 0, 0) >= 90);
	}
	TEST("a line that is slow is compressed for, even if others have the processor") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3, .others = 4 }, 1000);
		CHECK(share(&history, 9, 9) >= 90);
		from_the_beginning((struct world){ .compressing = 200, .line = 10000,
		    .shrinks = 3, .others = 4 }, 10000);
		CHECK(share(&history, 1, 9) >= 95);
		from_the_beginning((struct world){ .compressing = 200, .line = 2400,
		    .shrinks = 3, .others = 4 }, 20000);
		CHECK(share(&history, 1, 9) >= 90);
		CHECK(history.now < 20000 * 1800);
	}
	TEST("we are the slowest, but sending all of it would be slower") {
		from_the_beginning((struct world){ .compressing = 200, .line = 1000,
		    .shrinks = 10 }, 10000);
		CHECK(share(&history, 1, 1) >= 90);
		CHECK(history.now < 10000 * (200 + 20) * 115 / 100);
	}
	TEST("a slow source gets the lowest level, and is not waited for longer") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100,
		    .source = 5000, .shrinks = 3 }, 4000);
		CHECK(share(&history, 1, 1) >= 97);
		CHECK(history.now < 4000 * 5000 + 5000);
		from_the_beginning((struct world){ .compressing = 200, .line = 100,
		    .source = 5000, .shrinks = 3, .others = 2 }, 4000);
		CHECK(share(&history, 1, 1) >= 95);
		CHECK(history.now < 4000 * 5000 + 20000);
	}
	TEST("a level that made it slower, against all expectations, is left again") {
		/* Somebody else waits for the processor, too. */
		compression_level_init(&level);
		for (int64_t now = 0, i = 0; i < 200; i++) {
			const int l = compression_level_next(&level, 2000);

			now += l > 3 ? 60000 : 20000;
			compression_level_done(&level, PIECE, PIECE / 3, 100, now);
			compression_level_waited(&level, true, 18000);
			slow += l > 3;
		}
		CHECK(slow >= 8 && slow < 80);
	}
	TEST("what does not shrink is hardly tried") {
		from_the_beginning((struct world){ .compressing = 40, .line = 30,
		    .shrinks = 1 }, 16384);
		plain = history;
		CHECK(share(&history, 0, 0) >= 99);
		CHECK(plain.compressing * 100 < plain.now * 3);
		from_the_beginning((struct world){ .compressing = 40, .line = 30000,
		    .shrinks = 1 }, 16384);
		CHECK(share(&history, 0, 0) >= 99);
	}
	TEST("what shrinks again is found again, and the level goes on") {
		compression_level_init(&level);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3 }, 100, &history);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 1 }, 5000, &history);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3, .even = true }, 2000, &history);
		CHECK(history.of_level[0] <= COMPRESSION_LEVEL_SKIPS);
		CHECK(history.last == 9);
	}
	TEST("at once, if a sample tells that it will") {
		compression_level_init(&level);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 1 }, 5000, &history);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3 }, 2000, &history);
		CHECK(history.of_level[0] == 0);
		from_the_beginning((struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3, .part = 8 }, 8000);
		CHECK(history.shrunk == history.shrinking);
		CHECK(share(&history, 9, 9) >= 45);
	}
	TEST("a sample that tells so in vain is not believed for long") {
		compression_level_init(&level);
		for (int i = 0; i < 16384; i++) {
			vain += compression_level_next(&level, 300 + i % 900) > 0;
			compression_level_done(&level, PIECE, PIECE, 100, 200 * i);
		}
		CHECK(vain > 8 && vain < 16384 / 100);
	}
	TEST("if the machine stands still once, what it compresses goes on being compressed") {
		for (unsigned pieces = 8; pieces <= 128; pieces *= 2) {
			const struct world world = { .compressing = 200, .line = 1000,
			    .shrinks = 3 };

			from_the_beginning(world, pieces);
			history.now += 10000000;
			run(&level, &world, 20000, &history);
			CHECK(share(&history, 1, 1) >= 85);
		}
	}
	TEST("a level that rose keeps a stream that shrinks only by what was sent before") {
		/* Another level forgets that. */
		compression_level_init(&level);
		for (int64_t now = 0, i = 0; i < 1000; i++) {
			const int l = compression_level_next(&level, 128);
			const bool repeats = l > 0 && l == before;

			before = l > 0 ? l : before;
			repeated += repeats;
			now += 100;
			compression_level_done(&level, PIECE, repeats ? PIECE / 3 : PIECE,
			    100, now);
			now += repeats ? 10000 : 30000;
			compression_level_waited(&level, true, repeats ? 10000 : 30000);
		}
		CHECK(before == 9 && repeated >= 950);
	}
	TEST("of a mixed stream the parts that shrink are compressed") {
		from_the_beginning((struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3, .odd = 16 }, 8000);
		CHECK(share(&history, 1, 9) >= 85);
		CHECK(share(&history, 9, 9) >= 70);
	}
	TEST("a line that becomes fast, or slow, is followed") {
		compression_level_init(&level);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3 }, 1000, &history);
		CHECK(history.last == 9);
		run(&level, &(struct world){ .compressing = 200, .line = 100,
		    .shrinks = 3 }, 1000, &history);
		CHECK(history.last == 0);
		run(&level, &(struct world){ .compressing = 200, .line = 100000,
		    .shrinks = 3 }, 1000, &history);
		CHECK(history.last >= 6);
	}
	return (unit_end());
}
