#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/rfc3339.h"

/* A fixed number of digits, as a value between least and most. */
static bool
digits(const char **text, int count, int least, int most, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return (false);
		*value = *value * 10 + (**text - '0');
	}
	return (*value >= least && *value <= most);
}

static bool
literal(const char **text, char wanted)
{
	return (*(*text)++ == wanted);
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return (days[month - 1] + (month == 2 && leap));
}

bool
rfc3339_parse(const char *text, int64_t *seconds)
{
	struct tm when = { .tm_isdst = 0 };
	int year, month, hours = 0, minutes = 0, sign = 0;
	int64_t instant;

	if (!digits(&text, 4, 0, 9999, &year) || !literal(&text, '-') ||
	    !digits(&text, 2, 1, 12, &month) || !literal(&text, '-') ||
	    !digits(&text, 2, 1, days_in(year, month), &when.tm_mday) ||
	    !literal(&text, 'T') ||
	    !digits(&text, 2, 0, 23, &when.tm_hour) || !literal(&text, ':') ||
	    !digits(&text, 2, 0, 59, &when.tm_min) || !literal(&text, ':') ||
	    !digits(&text, 2, 0, 59, &when.tm_sec))
		return (false);
	if (*text == '.') {
		text++;
		if (!isdigit((unsigned char)*text))
			return (false);
		while (isdigit((unsigned char)*text))
			text++;
	}
	if (*text == 'Z')
		text++;
	else {
		sign = *text == '+' ? 1 : *text == '-' ? -1 : 0;
		text++;
		if (sign == 0 || !digits(&text, 2, 0, 23, &hours) ||
		    !literal(&text, ':') || !digits(&text, 2, 0, 59, &minutes))
			return (false);
	}
	if (*text != '\0')
		return (false);
	when.tm_year = year - 1900;
	when.tm_mon = month - 1;
	instant = (int64_t)timegm(&when) - sign * (hours * 3600 + minutes * 60);
	if (instant < RFC3339_FIRST || instant > RFC3339_LAST)
		return (false);
	if (seconds != NULL)
		*seconds = instant;
	return (true);
}

void
rfc3339_format(char text[RFC3339_SIZE], int64_t seconds)
{
	const time_t time = (time_t)seconds;
	struct tm when;

	if (gmtime_r(&time, &when) == NULL)
		memset(&when, 0, sizeof(when));
	strftime(text, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &when);
}
