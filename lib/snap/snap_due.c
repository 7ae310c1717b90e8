#include "snap/snap_due.h"

enum snap_due
snap_due(const struct snap_set *set, int64_t interval, int64_t now)
{
	const struct snap_dataset *dataset;
	int64_t oldest = INT64_MAX;
	bool never = false;

	for (size_t i = 0; i < set->count; i++) {
		dataset = &set->datasets[i];
		if (dataset->choice != SNAP_CHOSEN || dataset->newest > now)
			continue;
		if (dataset->newest == SNAP_NEVER)
			never = true;
		else if (dataset->newest < oldest)
			oldest = dataset->newest;
	}
	if (oldest == INT64_MAX)
		return (never ? SNAP_DUE : SNAP_ALL_LATER);
	return (oldest <= now - interval ? SNAP_DUE : SNAP_NOT_DUE);
}
