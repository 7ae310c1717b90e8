#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/rfc3339.h"
#include "plan/plan_order.h"

#define NONE SIZE_MAX

struct place {
	size_t next;		/* its next step */
	size_t waiting;		/* first of those that wait for it; NONE */
	size_t sibling;		/* the next that waits for the same; NONE */
	int64_t creation;	/* of the next step's snapshot, in seconds */
};

struct plan_order {
	struct plan *plans;
	struct place *places;	/* of the same index */
	size_t count;
	size_t *heap;		/* what is ready: the oldest snapshot on top */
	size_t ready;
};

/* --- a heap of those that are ready --- */

static bool
comes_before(const struct plan_order *order, size_t a, size_t b)
{
	if (order->places[a].creation != order->places[b].creation)
		return (order->places[a].creation < order->places[b].creation);
	return (a < b);
}

static void
swap(struct plan_order *order, size_t a, size_t b)
{
	const size_t kept = order->heap[a];

	order->heap[a] = order->heap[b];
	order->heap[b] = kept;
}

static void
push(struct plan_order *order, size_t index)
{
	struct place *place = &order->places[index];
	size_t at = order->ready++;

	if (!rfc3339_parse(order->plans[index].steps[place->next].to->creation,
	    &place->creation))
		place->creation = 0;
	order->heap[at] = index;
	for (; at > 0 && comes_before(order, order->heap[at],
	    order->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(order, at, (at - 1) / 2);
}

static size_t
pop(struct plan_order *order)
{
	const size_t top = order->heap[0];
	size_t at = 0, child;

	order->heap[0] = order->heap[--order->ready];
	while ((child = 2 * at + 1) < order->ready) {
		if (child + 1 < order->ready && comes_before(order,
		    order->heap[child + 1], order->heap[child]))
			child++;
		if (!comes_before(order, order->heap[child], order->heap[at]))
			break;
		swap(order, at, child);
		at = child;
	}
	return (top);
}

/* --- who waits for whom --- */

/* Its children have no parent to be received below, not even a placeholder. */
static bool
cannot_be_made(const struct plan *plan)
{
	return (plan_failed(plan) && plan->receiver == NULL);
}

static void
fail_children(struct plan_order *order, size_t index)
{
	struct place *place = &order->places[index];
	size_t child, next;

	for (child = place->waiting; child != NONE; child = next) {
		next = order->places[child].sibling;
		plan_fail(&order->plans[child], PLAN_ERROR, PLAN_PARENT,
		    "its parent %s has to be there first, and is not",
		    order->plans[index].sender->filesystem);
		fail_children(order, child);
	}
	place->waiting = NONE;
}

/*
 * The nearest of its ancestors (stack[0..depth), the innermost last) that must be made
 * first, or cannot be made; NONE.
 */
static size_t
find_blocker(const struct plan_order *order, const size_t *stack, size_t depth)
{
	const struct plan *plan;

	while (depth-- > 0) {
		plan = &order->plans[stack[depth]];
		if (plan_creates(plan) || cannot_be_made(plan))
			return (stack[depth]);
	}
	return (NONE);
}

static void
enter(struct plan_order *order, size_t index, size_t blocker)
{
	struct place *place = &order->places[index];

	if (order->plans[index].step_count == 0)
		return;
	if (blocker == NONE) {
		push(order, index);
		return;
	}
	place->sibling = order->places[blocker].waiting;
	order->places[blocker].waiting = index;
}

struct plan_order *
plan_order_new(struct plan *plans, size_t count)
{
	struct plan_order *order = calloc(1, sizeof(*order));
	size_t *stack = calloc(count + 1, sizeof(*stack)), depth = 0;

	if (order != NULL) {
		*order = (struct plan_order){ .plans = plans, .count = count,
		    .places = calloc(count + 1, sizeof(*order->places)),
		    .heap = calloc(count + 1, sizeof(*order->heap)) };
	}
	if (order == NULL || stack == NULL || order->places == NULL ||
	    order->heap == NULL) {
		free(stack);
		plan_order_free(order);
		return (NULL);
	}
	for (size_t i = 0; i < count; i++)
		order->places[i] = (struct place){ .waiting = NONE, .sibling = NONE };
	for (size_t i = 0; i < count; i++) {
		while (depth > 0 && !listing_is_below(plans[i].sender->filesystem,
		    plans[stack[depth - 1]].sender->filesystem))
			depth--;
		enter(order, i, find_blocker(order, stack, depth));
		stack[depth++] = i;
	}
	for (size_t i = 0; i < count; i++)
		if (cannot_be_made(&plans[i]))
			fail_children(order, i);
	free(stack);
	return (order);
}

struct plan *
plan_order_next(struct plan_order *order, size_t *step)
{
	size_t index;

	if (order->ready == 0)
		return (NULL);
	index = pop(order);
	*step = order->places[index].next++;
	return (&order->plans[index]);
}

size_t
plan_order_ready(const struct plan_order *order)
{
	return (order->ready);
}

void
plan_order_done(struct plan_order *order, struct plan *plan, bool worked)
{
	const size_t index = (size_t)(plan - order->plans);
	struct place *place = &order->places[index];
	size_t child, next;

	if (!worked && (cannot_be_made(plan) || (place->next == 1 &&
	    plan_creates(plan) && plan->receiver == NULL)))
		fail_children(order, index);
	for (child = place->waiting; child != NONE; child = next) {
		next = order->places[child].sibling;
		push(order, child);
	}
	place->waiting = NONE;
	if (worked && place->next < plan->step_count)
		push(order, index);
}

void
plan_order_again(struct plan_order *order, struct plan *plan)
{
	struct place *place = &order->places[plan - order->plans];

	place->next = 0;
	if (plan->step_count > 0)
		push(order, (size_t)(plan - order->plans));
	else
		plan_order_done(order, plan, !plan_failed(plan));
}

void
plan_order_free(struct plan_order *order)
{
	if (order == NULL)
		return;
	free(order->places);
	free(order->heap);
	free(order);
}
