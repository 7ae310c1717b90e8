#ifndef ZR_JSON_SCAN_H
#define ZR_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Reading JSON text (RFC 8259) value by value, without a tree: the caller asks for the
 * value it expects next and keeps only the parts it needs.  Strict: text is UTF-8,
 * control characters and lone surrogates are errors, nothing may follow the value.
 * Allocates nothing.
 *
 *	json_scan_init(&scan, text, length);
 *	if (json_scan_enter(&scan, '{', error) == -1)
 *		return (-1);
 *	while ((more = json_scan_key(&scan, &key, error)) == 1)
 *		... read or skip exactly one value ...
 *	if (more == -1 || json_scan_end(&scan, error) == -1)
 *		return (-1);
 *
 * Every function returns -1 with EXIT_USAGE and the place ("byte 12: ...").
 */
#define JSON_DEPTH_MAX 16	/* arrays and objects inside each other */

struct json_scan {
	const char *start, *at, *end;
	unsigned int depth;
	bool fresh;		/* just after a '{' or '[' */
	bool broken;		/* a function has returned -1 */
};

/* A part of the text; for a string the part between its quotes, still escaped. */
struct json_slice {
	const char *text;	/* may be NULL if length is 0 */
	size_t length;
};

void	json_scan_init(struct json_scan *scan, const char *text, size_t length);

/*
 * The beginning of the next value: '{', '[', '"', 't', 'f', 'n', or '0' for a number;
 * '\0' for any other character and at the end.
 */
char	json_scan_peek(struct json_scan *scan);

/* Enter an object ('{') or array ('['), which json_scan_peek() has seen. */
int	json_scan_enter(struct json_scan *scan, char bracket, struct error *error);

/* The next key of an object: 1; 0 at the object's end. */
int	json_scan_key(struct json_scan *scan, struct json_slice *key,
	    struct error *error);

/* Does the array have another element?  1, or 0 at its end. */
int	json_scan_element(struct json_scan *scan, struct error *error);

int	json_scan_string(struct json_scan *scan, struct json_slice *string,
	    struct error *error);
int	json_scan_number(struct json_scan *scan, struct json_slice *number,
	    struct error *error);

/* true, false or null, as json_scan_peek() has seen. */
int	json_scan_word(struct json_scan *scan, struct error *error);

/* Skip any value; slice, unless NULL, is its whole text. */
int	json_scan_skip(struct json_scan *scan, struct json_slice *slice,
	    struct error *error);

/* Nothing but white space may be left. */
int	json_scan_end(struct json_scan *scan, struct error *error);

/*
 * Write the characters of a string, and a NUL, to out, which has room for
 * string.length + 1 bytes.  Returns their length; a NUL in the string is copied too,
 * so that strlen(3) may be less.
 */
size_t	json_slice_decode(char *out, const struct json_slice *string);

/* The same with room for size bytes; false if it does not fit or contains a NUL. */
bool	json_slice_copy(char *out, size_t size, const struct json_slice *string);

/* Digits alone, up to 2^64 - 1. */
bool	json_slice_uint64(uint64_t *value, const struct json_slice *number);

#endif
