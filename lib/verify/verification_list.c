#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "plan/guid_index.h"
#include "verify/verification.h"

/* --- the operands --- */

/* The filesystem's part of an operand: a copy, or NULL. */
static char *
filesystem_of(const char *operand)
{
	return (strndup(operand, strcspn(operand, "@")));
}

static void
free_names(char **names)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

/* The filesystems of the operands as a side names them, NULL at the end. */
static char **
names_of(struct verification *verification, int side)
{
	const struct verify_options *options = verification->options;
	char **names = calloc(options->operand_count + 1, sizeof(*names));
	char mapped[FS_NAME_MAX + 1];

	for (size_t i = 0; names != NULL && i < options->operand_count; i++) {
		names[i] = filesystem_of(options->operands[i]);
		if (names[i] != NULL && side == RECEIVER) {
			if (name_map_apply(&options->map, names[i], mapped,
			    &verification->fatal) == -1)
				return (names);
			free(names[i]);
			names[i] = strdup(mapped);
		}
		if (names[i] == NULL) {
			error_errno(&verification->fatal, "listing");
			return (names);
		}
	}
	if (names == NULL)
		error_errno(&verification->fatal, "listing");
	return (names);
}

/* --- both listings --- */

static void
start(struct verification *verification, int side, char **names)
{
	verification->listers[side] = lister_new(verification->sessions[side], names,
	    verification->options->operand_count, verification->options->call_ms);
	if (verification->listers[side] == NULL)
		error_errno(&verification->fatal, "listing");
	else
		lister_start(verification->listers[side], io_now(),
		    &verification->fatal);
}

static void
gather(struct verification *verification, int side)
{
	struct lister *lister = verification->listers[side];
	Listing *entry;

	while (verification_goes_on(verification) && lister_next(lister, &entry,
	    io_now(), &verification->fatal) == 0 && entry != NULL)
		listing_append(&verification->listings[side], entry,
		    &verification->fatal);
	if (lister_failure(lister) != NULL && verification_goes_on(verification))
		verification->fatal = lister_failure(lister)->error;
}

static void
list_both(struct verification *verification, char **names[SIDES])
{
	struct lister **listers = verification->listers;

	for (int i = 0; i < SIDES && verification_goes_on(verification); i++)
		start(verification, i, names[i]);
	while (verification_goes_on(verification) && (!lister_done(listers[SENDER]) ||
	    !lister_done(listers[RECEIVER]))) {
		verification_turn(verification, IO_FOREVER);
		for (int i = 0; i < SIDES; i++)
			gather(verification, i);
	}
}

static void
check_operands(struct verification *verification)
{
	const char *name;
	size_t at = 0;

	while ((name = lister_unmatched(verification->listers[SENDER], &at)) != NULL) {
		diag("%s: the sender has no such filesystem", name);
		verification->unmatched = true;
	}
}

/* --- subjects --- */

void
subject_fail(struct verification *verification, struct subject *subject,
    const struct error *why)
{
	subject->state = SUBJECT_CHOSEN;
	if (subject->failure == NULL)
		subject->failure = finding_failed(verification, why);
}

void
subject_free(struct subject *subject)
{
	for (size_t i = 0; i < subject->count; i++)
		finding_free(subject->checks[i].finding);
	for (int i = 0; i < SIDES; i++)
		session_reply_free(subject->questions[i].reply);
	free(subject->destination);
	free(subject->pairs);
	free(subject->checks);
	finding_free(subject->skipped);
	finding_free(subject->failure);
}

/* What is wrong with a side's listing of it; false: nothing is. */
static bool
find_fault(const struct subject *subject, int side, struct error *error)
{
	static const char *const roles[SIDES] = { "sender", "receiver" };
	const Listing *listing = subject->listings[side];

	if (listing == NULL)
		error_set(error, EXIT_FAILED, "the %s has no filesystem %s",
		    roles[side], subject->destination);
	else if (listing->error != NULL)
		error_set(error, (enum exit_code)listing->error->code, "%s",
		    listing->error->message);
	else if (listing->isplaceholder)
		error_set(error, EXIT_FAILED, "%s is only a placeholder at the %s",
		    listing->filesystem, roles[side]);
	else
		return (false);
	return (true);
}

/* The common snapshots, the newest first.  -1: out of memory. */
static int
make_pairs(struct subject *subject)
{
	const Listing *ours = subject->listings[SENDER];
	const Listing *theirs = subject->listings[RECEIVER];
	struct guid_index index = { .count = 0 };
	size_t found;

	subject->pairs = calloc(ours->n_versions + 1, sizeof(*subject->pairs));
	if (subject->pairs == NULL || guid_index_make(&index, theirs) == -1)
		return (-1);
	for (size_t i = ours->n_versions; i-- > 0;) {
		if (!version_is_snapshot(ours->versions[i]))
			continue;
		found = guid_index_find_snapshot(&index, ours->versions[i]->guid);
		if (found != GUID_NOT_FOUND)
			subject->pairs[subject->pair_count++] = (struct pair){
			    { ours->versions[i], theirs->versions[found] } };
	}
	guid_index_free(&index);
	return (0);
}

static const FilesystemVersion *
find_snapshot(const Listing *listing, const char *name)
{
	for (size_t i = 0; i < listing->n_versions; i++)
		if (version_is_snapshot(listing->versions[i]) &&
		    strcmp(listing->versions[i]->name, name) == 0)
			return (listing->versions[i]);
	return (NULL);
}

/* A snapshot that was named. */
static void
add_named(struct verification *verification, struct subject *subject,
    const char *name)
{
	const FilesystemVersion *ours, *theirs;
	struct error error;
	size_t i = 0;

	ours = find_snapshot(subject->listings[SENDER], name);
	theirs = find_snapshot(subject->listings[RECEIVER], name);
	while (ours != NULL && i < subject->pair_count &&
	    subject->pairs[i].versions[SENDER] != ours)
		i++;
	if (ours == NULL)
		error_set(&error, EXIT_FAILED, "the sender has no snapshot @%s", name);
	else if (i < subject->pair_count) {
		subject->checks[subject->count++].pair = subject->pairs[i];
		return;
	} else if (theirs == NULL)
		error_set(&error, EXIT_FAILED, "the receiver has no snapshot @%s",
		    name);
	else
		error_set(&error, EXIT_FAILED, "the receiver's @%s is another "
		    "snapshot: its guid is %" PRIu64 ", the sender's %" PRIu64, name,
		    theirs->guid, ours->guid);
	subject_fail(verification, subject, &error);
}

/* Does the operand name a snapshot of it? */
static bool
names_snapshot(const char *operand, const char *filesystem)
{
	const size_t length = strcspn(operand, "@");

	return (operand[length] == '@' && strlen(filesystem) == length &&
	    strncmp(filesystem, operand, length) == 0);
}

/* Does it name the filesystem, or one above it? */
static bool
covers(const char *operand, const char *filesystem)
{
	return (strcmp(filesystem, operand) == 0 ||
	    listing_is_below(filesystem, operand));
}

static bool
is_wanted(const struct verification *verification, const Listing *listing)
{
	const struct verify_options *options = verification->options;
	const char *name = listing->filesystem;

	for (size_t i = 0; i < options->operand_count; i++)
		if (names_snapshot(options->operands[i], name) ||
		    (!listing->isplaceholder && covers(options->operands[i], name)))
			return (true);
	return (options->operand_count == 0 && !listing->isplaceholder);
}

/* Room for the checks of those that were named and of those that will be chosen. */
static int
make_room(const struct verify_options *options, struct subject *subject)
{
	size_t count = subject->pair_count < options->snapshots ?
	    subject->pair_count : options->snapshots;

	for (size_t i = 0; i < options->operand_count; i++)
		count += names_snapshot(options->operands[i],
		    subject->listings[SENDER]->filesystem);
	subject->checks = calloc(count + 1, sizeof(*subject->checks));
	return (subject->checks == NULL ? -1 : 0);
}

/* What the operands want of it. */
static void
apply_operands(struct verification *verification, struct subject *subject)
{
	const struct verify_options *options = verification->options;
	const char *name = subject->listings[SENDER]->filesystem, *operand;

	subject->searched = options->operand_count == 0;
	for (size_t i = 0; i < options->operand_count; i++) {
		operand = options->operands[i];
		if (names_snapshot(operand, name))
			add_named(verification, subject, strchr(operand, '@') + 1);
		else if (covers(operand, name))
			subject->searched = true;
	}
}

static void
make_subject(struct verification *verification, const Listing *listing)
{
	struct subject *subject = &verification->subjects[verification->count];
	char destination[FS_NAME_MAX + 1] = "";
	struct error error;
	bool failed;

	if (!is_wanted(verification, listing))
		return;
	verification->count++;
	subject->listings[SENDER] = listing;
	for (int i = 0; i < SIDES; i++)
		subject->questions[i].subject = subject;
	failed = name_map_apply(&verification->options->map, listing->filesystem,
	    destination, &error) == -1;
	if (!failed)
		subject->listings[RECEIVER] = listing_find(
		    &verification->listings[RECEIVER], destination);
	subject->destination = strdup(destination);
	if (subject->destination == NULL) {
		error_errno(&verification->fatal, "a filesystem");
		return;
	}
	if (failed || find_fault(subject, SENDER, &error) ||
	    find_fault(subject, RECEIVER, &error))
		subject_fail(verification, subject, &error);
	else if (make_pairs(subject) == -1 ||
	    make_room(verification->options, subject) == -1)
		error_errno(&verification->fatal, "a filesystem");
	else
		apply_operands(verification, subject);
}

static void
make_subjects(struct verification *verification)
{
	const struct listing *listing = &verification->listings[SENDER];

	for (int i = 0; i < SIDES && verification_goes_on(verification); i++)
		listing_sort(&verification->listings[i], &verification->fatal);
	verification->subjects = calloc(listing->count + 1,
	    sizeof(*verification->subjects));
	if (verification->subjects == NULL)
		error_errno(&verification->fatal, "filesystems");
	for (size_t i = 0; i < listing->count && verification_goes_on(verification);
	    i++)
		make_subject(verification, listing->filesystems[i]);
	if (verification->count == 0 && verification_goes_on(verification) &&
	    !verification->unmatched)
		error_set(&verification->fatal, EXIT_FAILED, "the sender lists no "
		    "filesystem: nothing was compared");
}

void
verification_list(struct verification *verification)
{
	char **names[SIDES];

	for (int i = 0; i < SIDES; i++)
		names[i] = names_of(verification, i);
	list_both(verification, names);
	if (verification_goes_on(verification))
		check_operands(verification);
	if (verification_goes_on(verification))
		make_subjects(verification);
	for (int i = 0; i < SIDES; i++) {
		session_hush(verification->sessions[i]);
		lister_free(verification->listers[i]);
		verification->listers[i] = NULL;
		free_names(names[i]);
	}
}
