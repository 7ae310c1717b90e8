#ifndef ZR_AMOUNT_H
#define ZR_AMOUNT_H

#include <stdint.h>

/* Numbers for people; each function returns text. */
#define AMOUNT_SIZE 32		/* bytes */

/* "1.2 MiB" */
const char *amount_of_bytes(char text[AMOUNT_SIZE], uint64_t bytes);

/* "83 ms", "1.5 s", "42 s", "1 min 1 s", "2 h 5 min" */
const char *amount_of_time(char text[AMOUNT_SIZE], int64_t ms);

#endif
