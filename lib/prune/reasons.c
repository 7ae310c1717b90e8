#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "prune/reasons.h"

/* The text without the snapshot's name, if that stands behind an "@". */
static void
without_name(char out[REASON_SIZE], const char *text, const char *snapshot)
{
	const size_t length = strlen(snapshot);
	const char *at = strchr(text, '@');

	while (at != NULL && strncmp(at + 1, snapshot, length) != 0)
		at = strchr(at + 1, '@');
	if (at == NULL)
		snprintf(out, REASON_SIZE, "%s", text);
	else
		snprintf(out, REASON_SIZE, "%.*s@...%s", (int)(at - text), text,
		    at + 1 + length);
}

bool
reasons_add(struct reasons *reasons, const char *snapshot, const char *text)
{
	char words[REASON_SIZE];
	struct reason *reason;

	without_name(words, text, snapshot);
	if (reasons->reasons == NULL)
		reasons->reasons = calloc(REASONS_MAX, sizeof(*reasons->reasons));
	if (reasons->reasons == NULL)
		return (false);
	for (size_t i = 0; i < reasons->count; i++) {
		reason = &reasons->reasons[i];
		if (strcmp(reason->text, words) == 0) {
			reason->count++;
			return (true);
		}
	}
	if (reasons->count == REASONS_MAX) {
		reasons->others++;
		return (true);
	}
	reason = &reasons->reasons[reasons->count++];
	memcpy(reason->text, words, sizeof(words));
	reason->snapshot = snapshot;
	reason->count = 1;
	return (true);
}

void
reasons_say(const struct reasons *reasons, const char *filesystem)
{
	for (size_t i = 0; i < reasons->count; i++) {
		const struct reason *reason = &reasons->reasons[i];

		if (reason->count == 1)
			diag("%s@%s was not destroyed: %s", filesystem,
			    reason->snapshot, reason->text);
		else
			diag("%s: %zu snapshots, @%s the first, were not destroyed: %s",
			    filesystem, reason->count, reason->snapshot,
			    reason->text);
	}
	if (reasons->others > 0)
		diag("%s: %zu more snapshot%s not destroyed, for other reasons",
		    filesystem, reasons->others,
		    reasons->others == 1 ? " was" : "s were");
}

void
reasons_free(struct reasons *reasons)
{
	free(reasons->reasons);
	*reasons = (struct reasons){ .count = 0 };
}
