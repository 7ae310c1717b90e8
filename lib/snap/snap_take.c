#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "snap/snap_take.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_host.h"

/* A command line and the environment together; more than this Linux never takes. */
#define COMMAND_MAX	(2 << 20)	/* bytes */
#define COMMAND_SPARE	(8 << 10)	/* zfs may be a script, with words of its own */
#define COMMAND_LEAST	(16 << 10)

/* Some datasets of a set that belong to one pool. */
struct part {
	struct snap_dataset *datasets;
	size_t count;
};

/* What each word takes of a command line. */
static size_t
word_size(const char *word)
{
	return (strlen(word) + 1 + sizeof(word));
}

/* The bytes of a command line that names can have. */
static size_t
command_room(void)
{
	const long limit = sysconf(_SC_ARG_MAX);
	const size_t room = limit <= 0 || limit > COMMAND_MAX ? COMMAND_MAX :
	    (size_t)limit;
	size_t used = COMMAND_SPARE;

	if (zfs_host() != NULL)
		return (ZFS_LINE_MAX);
	for (char **variable = environ; *variable != NULL; variable++)
		used += word_size(*variable);
	return (room > used + COMMAND_LEAST ? room - used : COMMAND_LEAST);
}

/* Does "zfs snapshot -r" pass over this one by itself, and over nothing else? */
static bool
is_passed_over(const struct part *pool, size_t i)
{
	return (pool->datasets[i].choice == SNAP_INCOMPLETE && !pool->datasets[i].operand &&
	    !(i + 1 < pool->count && snap_is_within(pool->datasets[i + 1].name,
	    pool->datasets[i].name)));
}

/* Is nothing below its operands left out? */
static bool
is_whole(const struct snap_set *set, const struct part *pool)
{
	for (size_t i = 0; i < pool->count; i++)
		if (pool->datasets[i].choice != SNAP_CHOSEN && !is_passed_over(pool, i))
			return (false);
	return (set->recursive);
}

/* The first of the remaining datasets, as many as fit on one command line. */
static struct part
first_part(const struct part *left, bool whole, size_t room)
{
	struct part part = { .datasets = left->datasets };
	const struct snap_dataset *dataset;
	size_t used = 0;

	for (; part.count < left->count; part.count++) {
		dataset = &left->datasets[part.count];
		if (dataset->choice != SNAP_CHOSEN || (whole && !dataset->operand))
			continue;
		used += word_size(dataset->snapshot);
		if (used > room)
			break;
	}
	return (part);
}

static int
take_part(const struct part *part, bool whole, struct error *error)
{
	struct zfs_arguments arguments = zfs_arguments("snapshot",
	    whole ? "-r" : NULL, NULL);
	const struct snap_dataset *dataset;
	int result;

	arguments.end_ms = SNAP_TAKE_END_MS;
	for (size_t i = 0; i < part->count; i++) {
		dataset = &part->datasets[i];
		if (dataset->choice == SNAP_CHOSEN && (!whole || dataset->operand))
			zfs_arguments_add(&arguments, dataset->snapshot);
	}
	result = zfs_do(&arguments, 0, error);
	zfs_arguments_free(&arguments);
	for (size_t i = 0; result == 0 && i < part->count; i++)
		part->datasets[i].taken = part->datasets[i].choice == SNAP_CHOSEN;
	return (result);
}

static size_t
pool_length(const char *name)
{
	return (strcspn(name, "/"));
}

static int
take_pool(const struct snap_set *set, struct part pool, struct error *error)
{
	const bool whole = is_whole(set, &pool);
	const size_t room = command_room();
	struct part part = first_part(&pool, whole, room);

	if (part.count < pool.count)
		diag("%.*s: the names do not fit on one command line: its snapshots "
		    "are taken one part after the other, not all at one moment",
		    (int)pool_length(pool.datasets->name), pool.datasets->name);
	for (;;) {
		if (take_part(&part, whole, error) == -1)
			return (-1);
		pool.datasets += part.count;
		pool.count -= part.count;
		if (pool.count == 0)
			return (0);
		part = first_part(&pool, whole, room);
	}
}

/* The datasets of the first one's pool; empty if all of them are left out. */
static struct part
first_pool(struct snap_dataset *datasets, size_t count, size_t *next)
{
	const size_t length = pool_length(datasets->name);
	struct part pool = { .datasets = datasets };
	bool any = false;

	for (*next = 0; *next < count; ++*next) {
		if (pool_length(datasets[*next].name) != length ||
		    memcmp(datasets[*next].name, datasets->name, length) != 0)
			break;
		any = any || datasets[*next].choice == SNAP_CHOSEN;
	}
	pool.count = any ? *next : 0;
	return (pool);
}

int
snap_take(struct snap_set *set, void (*failed)(const struct error *error))
{
	int result = EXIT_DONE;
	struct error error;
	struct part pool;
	size_t next;

	for (size_t done = 0; done < set->count; done += next) {
		pool = first_pool(set->datasets + done, set->count - done, &next);
		if (pool.count == 0 || take_pool(set, pool, &error) == 0)
			continue;
		failed(&error);
		result = (int)error.code;
		if (result != EXIT_FAILED)
			break;
	}
	return (result);
}
