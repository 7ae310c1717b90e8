#include "base/io.h"
#include "replicate/replication.h"
#include "replicate/table.h"

#define STEPS_SHOWN 256		/* no terminal has more lines for them */

static size_t
fill_steps(struct table_step steps[STEPS_SHOWN],
    const struct replication *replication, int64_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < replication->options->parallel; i++) {
		const struct slot *slot = &replication->slots[i];
		const struct work *work = slot->work;

		if (work == NULL || count == STEPS_SHOWN)
			continue;
		steps[count] = (struct table_step){
		    .filesystem = work->request.request.filesystem,
		    .to = work->request.request.to->name,
		    .size = work->sizes == NULL ? 0 : work->sizes[work->step],
		    .ms = now - slot->began };
		transfer_bytes(&slot->transfer, &steps[count].bytes);
		count++;
	}
	return (count);
}

static void
count_works(struct table *table, const struct replication *replication)
{
	for (size_t i = 0; i < replication->set.count; i++) {
		const struct work *work = &replication->works[i];

		table->ready += work->state == WORK_READY;
		table->again += work->state == WORK_WAITING ||
		    work->state == WORK_RELISTING;
		table->completion += work->state == WORK_COMPLETION;
		table->bytes += work->bytes;
		table->steps_done += work->steps_done;
	}
	for (size_t i = 0; i < replication->options->parallel; i++)
		if (replication->slots[i].work != NULL)
			table->bytes += replication->slots[i].moved;
}

void
replication_draw(const struct replication *replication, int64_t now)
{
	struct table_step steps[STEPS_SHOWN];
	struct table table = { .steps = steps,
	    .step_count = fill_steps(steps, replication, now),
	    .filesystems = replication->set.count,
	    .over = replication->set.count - replication->open,
	    .ms = now - replication->began };

	count_works(&table, replication);
	table.size = sizes_total(replication, &table.size_unknown);
	for (int i = 0; i < SIDES; i++)
		if (replication->sides[i].lost)
			table.lost[i] = replication->sides[i].role;
	table_draw(&table);
}
