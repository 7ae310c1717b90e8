#include <string.h>

#include "snap/snap_hook.h"
#include "snap/snap_run.h"
#include "snap/snap_take.h"
#include "zfs/zfs_command.h"

/* The datasets, one a line. */
static int
list_datasets(struct buffer *names, const struct snap_set *set, struct error *error)
{
	const struct snap_dataset *dataset;

	for (size_t i = 0; i < set->count; i++) {
		dataset = &set->datasets[i];
		if (dataset->choice == SNAP_CHOSEN && (buffer_append(names, dataset->name,
		    strlen(dataset->name)) == -1 ||
		    buffer_append(names, "\n", 1) == -1))
			return (error_errno(error, "%s", dataset->name));
	}
	return (0);
}

/* As if all had succeeded. */
static void
pretend(struct snap_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		set->datasets[i].taken = set->datasets[i].choice == SNAP_CHOSEN;
}

/* What has happened so far. */
struct state {
	int exit_code;		/* ours */
	int ended_by;		/* the signal that told us to end, or 0 */
	int hook_code;		/* of the last command that was run */
};

static void
run_hook(const struct snap_hook *hook, struct state *state,
    void (*failed)(const struct error *error))
{
	struct error error;

	state->hook_code = EXIT_DONE;
	if (hook->command == NULL || snap_hook_run(hook, &state->ended_by,
	    &state->hook_code, &error) == 0)
		return;
	failed(&error);
	if (state->exit_code == EXIT_DONE)
		state->exit_code = EXIT_FAILED;
}

static void
take(struct snap_set *set, bool dry_run, struct state *state,
    void (*failed)(const struct error *error))
{
	int exit_code = EXIT_DONE;

	if (dry_run)
		pretend(set);
	else
		exit_code = snap_take(set, failed);
	/* Told to end, not failed: the next signal is then the second. */
	if (exit_code > EXIT_SIGNAL)
		state->ended_by = exit_code - EXIT_SIGNAL;
	if (exit_code != EXIT_DONE)
		state->exit_code = exit_code;
}

int
snap_run(struct snap_set *set, const char *name, const struct snap_run *run,
    void (*failed)(const struct error *error))
{
	struct snap_hook hook = { .option = "-b", .command = run->before,
	    .type = "pre_snapshot", .snapshot = name, .filesystem = run->first,
	    .locale = run->locale, .dry_run = run->dry_run,
	    .seconds = run->seconds };
	struct buffer names = BUFFER_EMPTY(ZFS_OUTPUT_MAX);
	struct state state = { .exit_code = EXIT_DONE };
	struct error error;

	if (list_datasets(&names, set, &error) == -1) {
		failed(&error);
		state.exit_code = (int)error.code;
		goto out;
	}
	hook.input = (const char *)buffer_front(&names);
	hook.input_length = buffer_length(&names);
	run_hook(&hook, &state, failed);
	hook.option = "-a";
	hook.command = state.hook_code == EXIT_DONE ? run->after : NULL;
	hook.type = "post_snapshot";
	hook.lasts = true;
	if (state.ended_by == 0 &&
	    (state.exit_code == EXIT_DONE || !run->before_decides))
		take(set, run->dry_run, &state, failed);
	run_hook(&hook, &state, failed);
out:
	buffer_free(&names);
	return (state.ended_by != 0 ? EXIT_SIGNAL + state.ended_by :
	    state.exit_code);
}
