#include <stdlib.h>
#include <time.h>

#include "base/io.h"

static int64_t
microseconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) == -1)
		abort();
	return ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

int64_t
io_now_us(void)
{
	return (microseconds(CLOCK_MONOTONIC));
}

int64_t
io_cpu_us(void)
{
	return (microseconds(CLOCK_PROCESS_CPUTIME_ID));
}

int64_t
io_now(void)
{
	return (io_now_us() / 1000);
}

int64_t
io_time_of_day(void)
{
	return ((int64_t)time(NULL));
}

int64_t
io_time_of_day_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) == -1)
		abort();
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

int64_t
io_earlier(int64_t a, int64_t b)
{
	return (a < b ? a : b);
}
