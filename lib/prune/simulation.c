#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "prune/simulation.h"

#define NAME_SIZE	320

/* The snapshots that are there, the oldest first. */
struct state {
	struct retained *snapshots;
	char (*names)[NAME_SIZE];	/* one for each, moved with it */
	size_t count;
};

static void
take_snapshot(struct state *state, const char *prefix, int64_t when,
    uint64_t createtxg)
{
	char *name = state->names[state->count];
	const time_t seconds = (time_t)when;
	char text[64];
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y%m%d_%H%M%S_000", &utc);
	snprintf(name, NAME_SIZE, "%s%s", prefix, text);
	state->snapshots[state->count++] = (struct retained){ .creation = when,
	    .createtxg = createtxg };
}

/* Destroy what no rule keeps. */
static int
prune(struct state *state, const struct judgement *judgement, int64_t now,
    struct error *error)
{
	size_t left = 0;

	for (size_t i = 0; i < state->count; i++)
		state->snapshots[i].name = state->names[i];
	if ((judgement->floor ?
	    retention_apply_floor(&judgement->rules, state->snapshots,
	    state->count, now, error) :
	    retention_apply(&judgement->rules, state->snapshots, state->count,
	    error)) == -1)
		return (-1);
	for (size_t i = 0; i < state->count; i++) {
		if (state->snapshots[i].by == 0)
			continue;
		if (left < i) {
			state->snapshots[left] = state->snapshots[i];
			memcpy(state->names[left], state->names[i], NAME_SIZE);
		}
		left++;
	}
	state->count = left;
	return (0);
}

/* "15 d", "1 d 3 h", "0 s" */
static void
describe(char *text, size_t size, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t used = 0;

	snprintf(text, size, "0 s");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (seconds < units[i].seconds)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%lld %c",
		    used > 0 ? " " : "", (long long)(seconds / units[i].seconds),
		    units[i].letter);
		seconds %= units[i].seconds;
	}
}

static int
print(const struct state *state, int64_t now, struct error *error)
{
	char age[128] = "";

	for (size_t i = state->count; i-- > 0;) {
		describe(age, sizeof(age), now - state->snapshots[i].creation);
		printf("%s\n", age);
	}
	printf("%zu snapshot%s left%s%s%s\n", state->count,
	    state->count == 1 ? " is" : "s are", state->count > 0 ?
	    ", the oldest " : "", age, state->count > 0 ? " old" : "");
	if (fflush(stdout) == EOF || ferror(stdout))
		return (error_errno(error, "standard output"));
	return (0);
}

int
simulation_run(const struct simulation *simulation, struct error *error)
{
	const size_t steps =
	    (size_t)(simulation->span / simulation->interval) + 1;
	struct state state = {
	    .snapshots = calloc(steps, sizeof(*state.snapshots)),
	    .names = calloc(steps, sizeof(*state.names)) };
	int64_t now = 0;
	int result = 0;

	if (state.snapshots == NULL || state.names == NULL)
		result = error_errno(error, "snapshots");
	for (size_t i = 0; i < steps && result == 0; i++) {
		now = (int64_t)i * simulation->interval;
		take_snapshot(&state, simulation->prefix, now, i + 1);
		result = prune(&state, simulation->judgement, now, error);
	}
	if (result == 0)
		result = print(&state, now, error);
	free(state.snapshots);
	free(state.names);
	return (result);
}
