#include <stdio.h>

#include "rpc/grpc_timeout.h"

int64_t
grpc_timeout_parse(const uint8_t *text, size_t length)
{
	int64_t value = 0;

	if (length < 2 || length > 9)
		return (-1);
	for (size_t i = 0; i < length - 1; i++) {
		if (text[i] < '0' || text[i] > '9')
			return (-1);
		value = value * 10 + (text[i] - '0');
	}
	switch (text[length - 1]) {
	case 'H':
		return (value * 3600 * 1000);
	case 'M':
		return (value * 60 * 1000);
	case 'S':
		return (value * 1000);
	case 'm':
		return (value);
	case 'u':
		return ((value + 999) / 1000);
	case 'n':
		return ((value + 999999) / 1000000);
	default:
		return (-1);
	}
}

void
grpc_timeout_format(char text[GRPC_TIMEOUT_SIZE], int64_t milliseconds)
{
	static const struct { char unit; int64_t per_unit_us; } units[] = {
		{ 'u', 1 }, { 'm', 1000 }, { 'S', 1000000 },
		{ 'M', 60000000 }, { 'H', 3600000000 } };
	const int64_t max_ms = INT64_MAX / 1000;
	int64_t us, value;

	if (milliseconds < 0)
		milliseconds = 0;
	us = (milliseconds > max_ms ? max_ms : milliseconds) * 1000;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		value = us / units[i].per_unit_us;
		if (value > 99999999 && units[i].unit != 'H')
			continue;
		if (value > 99999999)
			value = 99999999;
		snprintf(text, GRPC_TIMEOUT_SIZE, "%u%c", (unsigned)value,
		    units[i].unit);
		return;
	}
}
