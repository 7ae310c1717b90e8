#ifndef ZR_AGE_H
#define ZR_AGE_H

#include <stdbool.h>
#include <stdint.h>

/* Ages of snapshots, in seconds. */
#define AGE_SIZE	32		/* bytes of text */

/* "90s", "26h", "3d": a number and one of s m h d w.  False: any other text. */
bool	age_parse(int64_t *seconds, const char *text);

/* "42 s", "14 min", "2 h 5 min", "3 d 4 h"; a negative age is shown as 0 s.  Returns text. */
const char *age_text(char text[AGE_SIZE], int64_t seconds);

#endif
