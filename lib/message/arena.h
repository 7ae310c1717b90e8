#ifndef ZR_ARENA_H
#define ZR_ARENA_H

#include <stddef.h>

/*
 * Memory for many small objects that are freed together, without malloc(3)'s header
 * for each.  Start with ARENA_EMPTY.
 */
struct arena_block;

struct arena {
	struct arena_block *blocks;	/* owned; the newest first */
	size_t last;			/* bytes of the block made last; 0: none was */
	char *at, *end;			/* free bytes of the block that is being filled */
};

#define ARENA_EMPTY ((struct arena){ .blocks = NULL })

/* size bytes, zeroed and aligned for any object; NULL with errno. */
void	*arena_object(struct arena *arena, size_t size);

/* size bytes for text: not zeroed, not aligned; NULL with errno. */
char	*arena_text(struct arena *arena, size_t size);

/* Forget all objects; one block is kept for new ones. */
void	arena_reset(struct arena *arena);
void	arena_free(struct arena *arena);

#endif
