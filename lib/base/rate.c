#include <ctype.h>
#include <string.h>

#include "base/number.h"
#include "base/rate.h"

#define RATE_MIN 1024u
#define RATE_MAX (UINT64_C(1) << 40)

int
rate_parse(struct rate *rate, const char *text, struct error *error)
{
	static const char units[] = "kmgt";
	const size_t length = strcspn(text, "kKmMgGtT");
	unsigned int shift = 0;
	char digits[24];
	uint64_t value;

	if (text[length] != '\0')
		shift = 10 * (unsigned int)(1 + strchr(units,
		    tolower((unsigned char)text[length])) - units);
	if (length >= sizeof(digits) || (shift > 0 && text[length + 1] != '\0'))
		goto bad;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (!number_parse(&value, digits, 10, 0, RATE_MAX >> shift) ||
	    value << shift < RATE_MIN)
		goto bad;
	*rate = (struct rate){ .bytes_per_second = value << shift,
	    .updated = -1 };
	return (0);
bad:
	return (error_set(error, EXIT_USAGE, "a rate is bytes per second, 1k to "
	    "1024G, not %s", text));
}

/* ms: the highest rate's bytes of this time are no overflow. */
#define ELAPSED_MAX 1000000u

static int64_t
quantum(const struct rate *rate)
{
	return ((int64_t)(rate->bytes_per_second / 50));
}

size_t
rate_available(struct rate *rate, int64_t now)
{
	const int64_t burst = (int64_t)(rate->bytes_per_second / 10);
	uint64_t elapsed, gained;

	if (rate->bytes_per_second == 0)
		return (SIZE_MAX);
	if (rate->updated == -1)
		rate->updated = now;
	elapsed = now > rate->updated ? (uint64_t)(now - rate->updated) : 0;
	if (elapsed > ELAPSED_MAX)
		elapsed = ELAPSED_MAX;
	gained = elapsed * rate->bytes_per_second + rate->remainder;
	rate->remainder = gained % 1000;
	rate->tokens += (int64_t)(gained / 1000);
	if (rate->tokens > burst)
		rate->tokens = burst;
	rate->updated = now;
	return (rate->tokens < quantum(rate) ? 0 : (size_t)rate->tokens);
}

void
rate_take(struct rate *rate, size_t length)
{
	if (rate->bytes_per_second != 0)
		rate->tokens -= (int64_t)length;
}

int64_t
rate_ready_at(const struct rate *rate, int64_t now)
{
	int64_t missing;

	if (rate->bytes_per_second == 0 || rate->tokens >= quantum(rate))
		return (now);
	missing = quantum(rate) - rate->tokens;
	return (now + 1 + missing * 1000 / (int64_t)rate->bytes_per_second);
}
