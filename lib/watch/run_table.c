#include <stdlib.h>

#include "watch/run.h"

static int64_t
ms_since(int64_t began, int64_t now)
{
	return (now > began ? 1000 * (now - began) : 0);
}

static void
add_filesystem(struct table *table, struct table_step *steps,
    const struct run_filesystem *filesystem, int64_t now)
{
	uint64_t remaining;

	table->ready += filesystem->state == RUN_FILESYSTEM_READY;
	table->again += filesystem->state == RUN_FILESYSTEM_AGAIN;
	table->over += filesystem->state >= RUN_FILESYSTEM_GOOD;
	table->steps_done += filesystem->done;
	run_add(&table->bytes, run_filesystem_bytes(filesystem));
	if (!run_filesystem_remaining(filesystem, &remaining))
		table->size_unknown = true;
	run_add(&table->size, run_filesystem_bytes(filesystem));
	run_add(&table->size, remaining);
	if (filesystem->to == NULL)
		return;
	steps[table->step_count++] = (struct table_step){
	    .filesystem = filesystem->name, .to = filesystem->to,
	    .bytes = filesystem->step_bytes,
	    .size = run_filesystem_step_size(filesystem),
	    .ms = ms_since(filesystem->step_began, now) };
}

int
run_table(const struct run *run, int64_t now, struct table *table,
    struct table_step **steps)
{
	*steps = calloc(run->count + 1, sizeof(**steps));
	if (*steps == NULL)
		return (-1);
	*table = (struct table){ .steps = *steps, .filesystems = run->count,
	    .ms = ms_since(run->began, now) };
	for (size_t i = 0; i < run->count; i++)
		add_filesystem(table, *steps, run->filesystems[i], now);
	return (0);
}
