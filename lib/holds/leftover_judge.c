#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "holds/leftover.h"

static const char *const kind_names[LEFTOVER_KINDS] = {
	[LEFTOVER_STEP_HOLD] = "step-hold",
	[LEFTOVER_LAST_RECEIVED_HOLD] = "last-received-hold",
	[LEFTOVER_CURSOR] = "cursor",
	[LEFTOVER_TENTATIVE_CURSOR] = "tentative-cursor",
	[LEFTOVER_OLD_BOOKMARK] = "old-bookmark"
};

/* %s: the newer one. */
static const char *const reasons[] = {
	[LEFTOVER_IN_USE] = "%s",
	[LEFTOVER_OLDER_CURSOR] = "the job's cursor %s is newer",
	[LEFTOVER_WRONG_GUID] =
	    "%sits guid is not the one in its name: it is no cursor to anybody",
	[LEFTOVER_STEP_DONE] =
	    "its step is over: the job's cursor %s is as new or newer",
	[LEFTOVER_OLDER_STEP] =
	    "a later step has its own two of the job, up to %s",
	[LEFTOVER_OLDER_RECEIVED] = "the job holds %s, which came later",
	[LEFTOVER_UNUSED] = "%szrepl before 0.4 made it, nothing uses it now"
};

const char *
leftover_kind_name(enum leftover_kind kind)
{
	return (kind_names[kind]);
}

enum leftover_kind
leftover_kind_by_name(const char *name)
{
	enum leftover_kind kind = 0;

	while (kind < LEFTOVER_KINDS && strcmp(kind_names[kind], name) != 0)
		kind++;
	return (kind);
}

void
leftover_reason(const struct leftover *item, char text[LEFTOVER_REASON_SIZE])
{
	snprintf(text, LEFTOVER_REASON_SIZE, reasons[item->stale],
	    item->newer != NULL ? item->newer : "");
}

static int
compare_numbers(uint64_t one, uint64_t other)
{
	return (one < other ? -1 : one > other);
}

/* "p/a" before "p/a/b" before "p/a b". */
static int
compare_filesystems(const struct leftover *one, const struct leftover *other)
{
	const size_t shorter = one->filesystem_length < other->filesystem_length ?
	    one->filesystem_length : other->filesystem_length;
	const int order = memcmp(one->name, other->name, shorter);

	return (order != 0 ? order : compare_numbers(one->filesystem_length,
	    other->filesystem_length));
}

static bool
same_group(const struct leftover *one, const struct leftover *other)
{
	return (compare_filesystems(one, other) == 0 &&
	    strcmp(one->job, other->job) == 0);
}

/* By filesystem and job, and within these by kind and age. */
static int
by_group(const void *a, const void *b)
{
	const struct leftover *one = a, *other = b;
	int order = compare_filesystems(one, other);

	if (order == 0)
		order = strcmp(one->job, other->job);
	if (order == 0)
		order = compare_numbers(one->kind, other->kind);
	if (order == 0)
		order = compare_numbers(one->createtxg, other->createtxg);
	return (order);
}

static int
by_age(const void *a, const void *b)
{
	const struct leftover *one = a, *other = b;
	int order = compare_filesystems(one, other);

	if (order == 0)
		order = compare_numbers(one->createtxg, other->createtxg);
	if (order == 0)
		order = strcmp(one->name, other->name);
	if (order == 0)
		order = compare_numbers(one->kind, other->kind);
	return (order == 0 ? strcmp(one->job, other->job) : order);
}

static const char *
version(const struct leftover *item)
{
	return (item->name + item->filesystem_length + 1);
}

static void
set_stale(struct leftover *item, enum leftover_reason reason,
    const struct leftover *newer)
{
	item->stale = reason;
	item->newer = version(newer);
}

/*
 * A step has two of these, of From and To, or one if there is no From or it
 * is a bookmark already; the newest is of To.  When the cursor is To's, that
 * step is over.  Otherwise it may be under way, an older To than the cursor's
 * included: the receiver may have lost what it had.
 */
static void
judge_steps(struct leftover *items, size_t count, const struct leftover *cursor)
{
	struct leftover *const last = count > 0 ? &items[count - 1] : NULL;

	if (last == NULL)
		return;
	if (cursor != NULL && last->createtxg == cursor->createtxg)
		for (size_t i = 0; i < count; i++)
			set_stale(&items[i], LEFTOVER_STEP_DONE, cursor);
	else
		for (size_t i = 0; i + 2 < count; i++)
			set_stale(&items[i], LEFTOVER_OLDER_STEP, last);
}

/* Mark all but the newest. */
static void
judge_older(struct leftover *items, size_t count, enum leftover_reason reason)
{
	for (size_t i = 0; i + 1 < count; i++)
		set_stale(&items[i], reason, &items[count - 1]);
}

/* Judge the leftovers of one filesystem and job, sorted by kind and age. */
static void
judge_group(struct leftover *items, size_t count)
{
	const struct leftover *cursor = NULL;
	size_t first[LEFTOVER_KINDS + 1] = { 0 };

	/* Where each kind begins. */
	for (size_t i = 0; i < count; i++)
		for (size_t kind = items[i].kind + 1u; kind <= LEFTOVER_KINDS; kind++)
			first[kind] = i + 1;
#define OF(kind) items + first[kind], first[(kind) + 1] - first[kind]
	judge_older(OF(LEFTOVER_CURSOR), LEFTOVER_OLDER_CURSOR);
	if (first[LEFTOVER_CURSOR] < first[LEFTOVER_CURSOR + 1])
		cursor = &items[first[LEFTOVER_CURSOR + 1] - 1];
	judge_steps(OF(LEFTOVER_STEP_HOLD), cursor);
	judge_steps(OF(LEFTOVER_TENTATIVE_CURSOR), cursor);
	judge_older(OF(LEFTOVER_LAST_RECEIVED_HOLD), LEFTOVER_OLDER_RECEIVED);
#undef OF
}

void
leftover_judge(struct leftover *items, size_t count)
{
	size_t sound = 0, end;
	struct leftover swap;

	if (count == 0)
		return;
	/* A bookmark that is not a valid cursor must not make others stale. */
	for (size_t i = 0; i < count; i++) {
		items[i].newer = NULL;
		if (items[i].stale == LEFTOVER_WRONG_GUID ||
		    items[i].stale == LEFTOVER_UNUSED)
			continue;
		items[i].stale = LEFTOVER_IN_USE;
		swap = items[sound];
		items[sound++] = items[i];
		items[i] = swap;
	}
	qsort(items, sound, sizeof(*items), by_group);
	for (size_t start = 0; start < sound; start = end) {
		for (end = start + 1; end < sound &&
		    same_group(&items[start], &items[end]); end++)
			;
		judge_group(items + start, end - start);
	}
	qsort(items, count, sizeof(*items), by_age);
}
