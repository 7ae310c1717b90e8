#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "prune/pruning.h"

/* It could not be listed. */
static void
complain(struct pruning *pruning, const Listing *entry, const char *role)
{
	pruning->failed = true;
	diag("%s: left alone, as the %s could not list it: %s", entry->filesystem,
	    role, entry->error->message);
	if (strcmp(pruning->hint, pruning->shown) != 0)
		diag(DIAG_HINT "%s", pruning->hint);
	strlcpy(pruning->shown, pruning->hint, sizeof(pruning->shown));
}

void
pruning_print(struct pruning *pruning, const struct decision *decision,
    size_t snapshot, enum fate fate, const char *reason)
{
	const struct decision_style style = pruning->options->style;

	/* Bare names are those of destroyed snapshots. */
	if (fate == FATE_NOT_DESTROYED && !style.json && !style.verbose)
		return;
	if (pruning->fatal.code == EXIT_DONE)
		decision_print(&pruning->out, decision, snapshot,
		    &pruning->options->judgement, style, fate, reason,
		    &pruning->fatal);
}

/* Print the decision, before anything is destroyed. */
static void
show(struct pruning *pruning, const struct decision *decision)
{
	const struct prune_options *options = pruning->options;
	const bool all = options->style.json || options->style.verbose;

	for (size_t i = 0; i < decision->count; i++)
		if (decision_goes(decision, i) ? !options->destroy : all)
			pruning_print(pruning, decision, i, FATE_DECIDED, NULL);
}

static struct target *
target_new(Listing *filesystem, const struct decision *decision)
{
	struct target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return (NULL);
	*target = (struct target){ .filesystem = filesystem,
	    .decision = *decision,
	    .asked = calloc(PRUNE_CALL_MAX, sizeof(*target->asked)) };
	if (target->asked != NULL)
		return (target);
	free(target);
	return (NULL);
}

void
target_free(struct target *target)
{
	listing_entry_free(target->filesystem);
	decision_free(&target->decision);
	reasons_free(&target->reasons);
	free(target->asked);
	free(target);
}

/* Takes over both if it returns true. */
static bool
begin(struct pruning *pruning, Listing *entry, const struct decision *decision)
{
	struct target *target = target_new(entry, decision);

	if (target == NULL) {
		error_errno(&pruning->fatal, "snapshots");
		return (false);
	}
	TAILQ_INSERT_TAIL(&pruning->targets, target, entries);
	pruning->target_count++;
	return (true);
}

/* True: it has become a target, to which entry and decision belong. */
static bool
act(struct pruning *pruning, Listing *entry, const struct decision *decision)
{
	const struct prune_options *options = pruning->options;
	char text[DECISION_TEXT_SIZE];
	const char *objection = options->anyway ? NULL :
	    decision_objection(decision, &options->judgement, text);

	pruning->counts.filesystems++;
	pruning->counts.kept += decision->count - decision->going;
	pruning->cursor_seen = pruning->cursor_seen || decision->has_cursor;
	if (objection != NULL) {
		diag("%s: left alone: %s (-A destroys all the same)",
		    entry->filesystem, objection);
		pruning->failed = true;
		pruning->counts.left_alone++;
		return (false);
	}
	pruning->counts.going += decision->going;
	show(pruning, decision);
	return (options->destroy && decision->going > 0 &&
	    pruning->fatal.code == EXIT_DONE && begin(pruning, entry, decision));
}

/* The sender's entry for it; NULL: the filesystem is to be left alone. */
static const Listing *
senders(struct pruning *pruning, const Listing *entry)
{
	const Listing *found;

	if (pruning->sender == NULL)
		return (entry);
	found = listing_find(&pruning->sender_listing, entry->filesystem);
	if (found != NULL && found->error != NULL) {
		complain(pruning, found, "sender");
		return (NULL);
	}
	if (found != NULL && !found->isplaceholder)
		return (found);
	pruning->counts.elsewhere++;
	if (pruning->options->style.verbose)
		diag("%s: left alone, as the sender does not have it",
		    entry->filesystem);
	return (NULL);
}

void
pruning_consider(struct pruning *pruning, Listing *entry)
{
	struct decision decision;
	struct error error;
	const Listing *sender = NULL;
	bool taken = false;

	if (entry->error != NULL)
		complain(pruning, entry, "endpoint");
	else if (!entry->isplaceholder)
		sender = senders(pruning, entry);
	if (sender != NULL && decision_make(&decision,
	    &pruning->options->judgement, entry, sender, &error) == -1) {
		error_prefix(&error, "%s: left alone", entry->filesystem);
		diag_error(&error);
		pruning->failed = true;
	} else if (sender != NULL) {
		taken = act(pruning, entry, &decision);
		if (!taken)
			decision_free(&decision);
	}
	if (!taken)
		listing_entry_free(entry);
}
