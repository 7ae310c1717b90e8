#ifndef ZR_JSON_TEXT_H
#define ZR_JSON_TEXT_H

#include <stdint.h>

#include "base/buffer.h"

/*
 * Writing JSON text piece by piece.  Each function appends to a buffer:
 * 0, or -1 with errno as buffer_append().
 */

/* Text as it stands: punctuation, or a value that is already JSON. */
int	json_text_raw(struct buffer *out, const char *text);

/*
 * A string in quotes.  Characters that could control a terminal or hide text from a
 * reader (utf8_control()) are escaped, like those that JSON demands: a JSON parser
 * gets the same text.  -1 with EILSEQ if it is not UTF-8.
 */
int	json_text_string(struct buffer *out, const char *text, size_t length);

/* 64 bits as a string, as in the proto3 JSON mapping. */
int	json_text_uint64(struct buffer *out, uint64_t value);

/*
 * A member of an object: a string if text is not NULL, or a value that is already
 * JSON.  The first member in an empty buffer begins the object.
 */
int	json_text_member(struct buffer *out, const char *key, const char *text);
int	json_text_raw_member(struct buffer *out, const char *key, const char *json);
int	json_text_uint64_member(struct buffer *out, const char *key, uint64_t value);
int	json_text_integer_member(struct buffer *out, const char *key, int64_t value);

int	json_text_integer(struct buffer *out, int64_t value);

#endif
