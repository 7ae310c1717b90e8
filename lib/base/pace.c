#include "base/pace.h"

void
pace_start(struct pace *pace, int64_t window_ms, int64_t now)
{
	*pace = (struct pace){ .window_ms = window_ms, .since = now };
}

void
pace_moved(struct pace *pace, size_t bytes, int64_t now)
{
	pace->moved += bytes;
	if (pace->moved >= (uint64_t)pace->window_ms * PACE_LEAST / 1000)
		pace_start(pace, pace->window_ms, now);
}

int64_t
pace_deadline(const struct pace *pace)
{
	return (pace->since + pace->window_ms);
}
