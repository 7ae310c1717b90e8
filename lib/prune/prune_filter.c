#include "base/diag.h"
#include "prune/prune_filter.h"

#define OUTPUT_MAX	((size_t)512 << 20)	/* of one filesystem */

static void
print(struct buffer *out, const struct decision *decision,
    const struct judgement *judgement, struct decision_style style)
{
	struct error error;

	for (size_t i = 0; i < decision->count; i++)
		if ((style.json || style.verbose || decision_goes(decision, i)) &&
		    decision_print(out, decision, i, judgement, style,
		    FATE_DECIDED, NULL, &error) == -1)
			diag_die(&error);
	print_or_die(out);
}

/* 0; -1: it has failed, for a reason that was told. */
static int
filter(struct buffer *out, const struct judgement *judgement,
    struct decision_style style, const Listing *entry, const Listing *sender)
{
	struct decision decision;
	struct error error;

	if (entry->error != NULL || sender->error != NULL) {
		diag("%s: it could not be listed: %s", entry->filesystem,
		    (entry->error != NULL ? entry : sender)->error->message);
		return (-1);
	}
	if (entry->isplaceholder || sender->isplaceholder)
		return (0);
	if (decision_make(&decision, judgement, entry, sender, &error) == -1) {
		error_prefix(&error, "%s", entry->filesystem);
		diag_error(&error);
		return (-1);
	}
	print(out, &decision, judgement, style);
	decision_free(&decision);
	return (0);
}

int
prune_filter(const struct judgement *judgement, struct decision_style style,
    const struct listing *listing, const struct listing *sender)
{
	struct buffer out = BUFFER_EMPTY(OUTPUT_MAX);
	int code = EXIT_DONE;

	for (size_t i = 0; i < listing->count; i++) {
		const Listing *entry = listing->filesystems[i];
		const Listing *of_sender = sender == NULL ? entry :
		    listing_find(sender, entry->filesystem);

		if (of_sender != NULL && filter(&out, judgement, style, entry,
		    of_sender) == -1)
			code = EXIT_FAILED;
	}
	buffer_free(&out);
	return (code);
}
