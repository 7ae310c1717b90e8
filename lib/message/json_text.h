#ifndef ZR_JSON_TEXT_H
#define ZR_JSON_TEXT_H

#include <stdint.h>

#include "base/buffer.h"

/*
 * Writing JSON text piece by piece.  Each function appends to a buffer:
 * 0, or -1 with errno as buffer_append().
 */

/* Text as it is: punctuation, a value that is JSON already. */
int	json_text_raw(struct buffer *out, const char *text);

/*
 * A string in quotes.  What could steer a terminal or hide text from its
 * reader (utf8_control()) is escaped, as is what JSON demands: whoever reads
 * the JSON gets the same text.  -1 with EILSEQ where it is not UTF-8.
 */
int	json_text_string(struct buffer *out, const char *text, size_t length);

/* 64 bits as a string, as the proto3 JSON mapping has them. */
int	json_text_uint64(struct buffer *out, uint64_t value);

/*
 * A member of an object: a string, where text is not NULL, or what is JSON
 * already.  The first one in an empty buffer begins the object.
 */
int	json_text_member(struct buffer *out, const char *key, const char *text);
int	json_text_raw_member(struct buffer *out, const char *key, const char *json);

int	json_text_integer(struct buffer *out, int64_t value);

#endif
