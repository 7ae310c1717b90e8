#include <inttypes.h>
#include <stdio.h>

#include "retention/rules.h"
#include "watch/age.h"

bool
age_parse(int64_t *seconds, const char *text)
{
	*seconds = rules_duration(&text);
	return (*seconds != -1 && *text == '\0');
}

/* "3 d 4 h", "3 d" */
static void
two_units(char text[AGE_SIZE], int64_t number, const char *unit, int64_t rest,
    const char *rest_unit)
{
	if (rest == 0)
		snprintf(text, AGE_SIZE, "%" PRId64 " %s", number, unit);
	else
		snprintf(text, AGE_SIZE, "%" PRId64 " %s %" PRId64 " %s", number,
		    unit, rest, rest_unit);
}

const char *
age_text(char text[AGE_SIZE], int64_t seconds)
{
	const int64_t minutes = seconds / 60, hours = minutes / 60;

	if (seconds < 120)
		two_units(text, seconds < 0 ? 0 : seconds, "s", 0, "");
	else if (minutes < 120)
		two_units(text, minutes, "min", 0, "");
	else if (hours < 48)
		two_units(text, hours, "h", minutes % 60, "min");
	else
		two_units(text, hours / 24, "d", hours % 24, "h");
	return (text);
}
