#ifndef ZR_BUFFER_H
#define ZR_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that grow at the end and are taken from the front.  Start with
 * BUFFER_EMPTY and a maximum that append never passes.
 */
struct buffer {
	struct {			/* for buffer.c alone */
		uint8_t *bytes;		/* owned */
		size_t start, end;	/* the contents are bytes[start..end) */
		size_t capacity;
		size_t max;
	} private;
};

#define BUFFER_EMPTY(limit) ((struct buffer){ .private.max = (limit) })

size_t	buffer_length(const struct buffer *buffer);
size_t	buffer_max(const struct buffer *buffer);

/* Never NULL, as NULL + 0 is not defined; good until the buffer changes. */
const uint8_t *buffer_front(const struct buffer *buffer);

/* 0; -1 with errno ENOBUFS (over max) or ENOMEM, and nothing appended. */
int	buffer_append(struct buffer *buffer, const void *bytes, size_t length);

/*
 * The contents as text: a NUL follows them but is not part of them.  The caller
 * may change the text in place.  NULL with errno: the NUL has no room.
 */
char	*buffer_text(struct buffer *buffer);

/* Keep only the first length bytes.  If there are fewer, the program aborts. */
void	buffer_truncate(struct buffer *buffer, size_t length);

/*
 * Take length bytes from the front; if there are fewer, the program aborts.  A
 * buffer that is empty then keeps no more than BUFFER_KEPT bytes of memory.
 */
#define BUFFER_KEPT ((size_t)256 << 10)

void	buffer_consume(struct buffer *buffer, size_t length);

/*
 * The contents with a NUL behind them, to be free(3)d by the caller, and their
 * length, unless that is NULL; the buffer is empty then.  NULL with errno: the
 * NUL has no room.
 */
void	*buffer_release(struct buffer *buffer, size_t *length);

void	buffer_free(struct buffer *buffer);

#endif
