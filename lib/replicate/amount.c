#include <inttypes.h>
#include <libutil.h>
#include <stdio.h>

#include "replicate/amount.h"

const char *
amount_of_bytes(char text[AMOUNT_SIZE], uint64_t bytes)
{
	const int64_t value = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;

	/* 8 bytes: "1.2 MiB" and a NUL; "1023 B". */
	if (humanize_number(text, 8, value, "B", HN_AUTOSCALE,
	    HN_DECIMAL | HN_IEC_PREFIXES) == -1)
		snprintf(text, AMOUNT_SIZE, "%" PRIu64 " B", bytes);
	return (text);
}

const char *
amount_of_time(char text[AMOUNT_SIZE], int64_t ms)
{
	const int64_t seconds = ms / 1000, minutes = seconds / 60;

	if (seconds == 0)
		snprintf(text, AMOUNT_SIZE, "%" PRId64 " ms", ms);
	else if (seconds < 10)
		snprintf(text, AMOUNT_SIZE, "%.1f s", (double)ms / 1000);
	else if (minutes == 0)
		snprintf(text, AMOUNT_SIZE, "%" PRId64 " s", seconds);
	else if (minutes < 60)
		snprintf(text, AMOUNT_SIZE, "%" PRId64 " min %" PRId64 " s",
		    minutes, seconds % 60);
	else
		snprintf(text, AMOUNT_SIZE, "%" PRId64 " h %" PRId64 " min",
		    minutes / 60, minutes % 60);
	return (text);
}
