#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/arena.h"

/*
 * Each block is twice the one before it: most messages are a request or the versions of
 * a filesystem that has few, and of these there may be thousands at a time.
 */
#define FIRST_BLOCK	((size_t)512)
#define LAST_BLOCK	((size_t)32 << 10)
#define OWN_BLOCK	((size_t)4 << 10)	/* larger objects get their own */

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static struct arena_block *
new_block(size_t size)
{
	struct arena_block *block;

	if (size > PTRDIFF_MAX - sizeof(*block))
		size = PTRDIFF_MAX;
	block = malloc(sizeof(*block) + size);
	if (block != NULL)
		block->size = size;
	return (block);
}

/* A block for one thing, behind the one that is being filled. */
static char *
own_block(struct arena *arena, size_t size)
{
	struct arena_block *block = new_block(size);

	if (block == NULL)
		return (NULL);
	if (arena->blocks == NULL) {
		block->next = NULL;
		arena->blocks = block;
		arena->at = arena->end = block->bytes + size;
	} else {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	}
	return (block->bytes);
}

/* A block to be filled, in front of the others. */
static struct arena_block *
next_block(struct arena *arena, size_t size)
{
	size_t next = arena->last == 0 ? FIRST_BLOCK : 2 * arena->last;
	struct arena_block *block;

	while (next < size)
		next *= 2;
	if (next > LAST_BLOCK)
		next = LAST_BLOCK;
	if ((block = new_block(next)) == NULL)
		return (NULL);
	block->next = arena->blocks;
	arena->blocks = block;
	arena->last = next;
	arena->at = block->bytes;
	arena->end = block->bytes + next;
	return (block);
}

static char *
take(struct arena *arena, size_t size, size_t alignment)
{
	size_t padding = -(uintptr_t)arena->at & (alignment - 1);

	if (size > OWN_BLOCK)
		return (own_block(arena, size));
	if (arena->blocks == NULL ||
	    (size_t)(arena->end - arena->at) < size + padding) {
		if (next_block(arena, size) == NULL)
			return (NULL);
		padding = 0;
	}
	arena->at += padding + size;
	return (arena->at - size);
}

void *
arena_object(struct arena *arena, size_t size)
{
	char *object = take(arena, size, alignof(max_align_t));

	return (object != NULL ? memset(object, 0, size) : NULL);
}

char *
arena_text(struct arena *arena, size_t size)
{
	return (take(arena, size, 1));
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *kept = NULL, *block, *next;

	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		if (kept == NULL && block->size <= LAST_BLOCK)
			kept = block;
		else
			free(block);
	}
	*arena = (struct arena){ .blocks = kept };
	if (kept != NULL) {
		kept->next = NULL;
		arena->last = kept->size;
		arena->at = kept->bytes;
		arena->end = kept->bytes + kept->size;
	}
}

void
arena_free(struct arena *arena)
{
	struct arena_block *block;

	while ((block = arena->blocks) != NULL) {
		arena->blocks = block->next;
		free(block);
	}
	arena->at = arena->end = NULL;
}
