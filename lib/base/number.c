#include "base/number.h"

bool
number_parse(uint64_t *number, const char *text, unsigned int base,
    uint64_t least, uint64_t most)
{
	const char *digit;
	uint64_t value = 0;

	*number = 0;
	for (digit = text; *digit >= '0' && *digit < '0' + (int)base; digit++) {
		if (value > (UINT64_MAX - (uint64_t)(*digit - '0')) / base)
			return (false);
		value = value * base + (uint64_t)(*digit - '0');
	}
	if (digit == text || *digit != '\0' || value < least || value > most)
		return (false);
	*number = value;
	return (true);
}

int
number_parse_fd(const char *text, int least)
{
	uint64_t number;

	if (!number_parse(&number, text, 10, (uint64_t)least, NUMBER_FD_MAX))
		return (-1);
	return ((int)number);
}
