#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "snap/snap_name.h"

#define FORMAT_SIZE	1024	/* bytes that a format may have */

/* The first of January and a Wednesday in September, which has the longest names. */
#define WINTER_MS	INT64_C(1767225600000)
#define SUMMER_MS	INT64_C(1790812799999)

static const struct {
	const char *name;
	const char *format;	/* for strftime(3) */
	const char *end;	/* for printf(3): the milliseconds */
} formats[] = {
	{ "dense", "%Y%m%d_%H%M%S", "_%03d" },
	{ "human", "%Y-%m-%d_%H:%M:%S", "" },
	{ "iso-8601", "%Y-%m-%dT%H:%M:%S", ".%03dZ" },
	{ "unix-seconds", "%s", "" }
};

/* With its flags, width and modifier, if it has them. */
static size_t
conversion_length(const char *format)
{
	size_t length = 1;

	length += strspn(format + length, "_-0^#+");
	length += strspn(format + length, "0123456789");
	length += strspn(format + length, "EO");
	return (length + (format[length] != '\0'));
}

/*
 * Copy a format with the seconds since the epoch for each %s: strftime(3) would take
 * the time for one of the local zone.
 */
static int
fill_in_seconds(char out[FORMAT_SIZE], const char *format, int64_t seconds,
    struct error *error)
{
	size_t used = 0, length;

	for (; *format != '\0'; format += length) {
		length = *format == '%' ? conversion_length(format) : 1;
		if (length > 1 && format[length - 1] == 's')
			used += (size_t)snprintf(out + used, FORMAT_SIZE - used,
			    "%" PRId64, seconds);
		else
			used += (size_t)snprintf(out + used, FORMAT_SIZE - used,
			    "%.*s", (int)length, format);
		if (used >= FORMAT_SIZE)
			return (error_set(error, EXIT_USAGE,
			    "the format is longer than %d bytes", FORMAT_SIZE - 1));
	}
	out[used] = '\0';
	return (0);
}

static int
format_time(char out[SNAP_NAME_SIZE], const char *format, const char *end,
    int64_t time_ms, struct error *error)
{
	const time_t seconds = (time_t)(time_ms / 1000);
	char filled_in[FORMAT_SIZE], after[16];
	struct tm when;
	size_t length;

	if (fill_in_seconds(filled_in, format, (int64_t)seconds, error) == -1)
		return (-1);
	if (time_ms < 0 || gmtime_r(&seconds, &when) == NULL)
		return (error_set(error, EXIT_USAGE, "the clock is wrong"));
	snprintf(after, sizeof(after), end, (int)(time_ms % 1000));
	length = strftime(out, SNAP_NAME_SIZE, filled_in, &when);
	if (length == 0 || strlcat(out, after, SNAP_NAME_SIZE) >= SNAP_NAME_SIZE)
		return (error_set(error, EXIT_USAGE,
		    "the format gives no text, or one of more than %d bytes",
		    FS_NAME_MAX));
	while ((out = strchr(out, '+')) != NULL)
		*out = '_';
	return (0);
}

int
snap_name(char name[SNAP_NAME_SIZE], const char *prefix, const char *format,
    int64_t time_ms, struct error *error)
{
	const char *end = "";
	char time_text[SNAP_NAME_SIZE];
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(format, formats[i].name) == 0) {
			format = formats[i].format;
			end = formats[i].end;
			break;
		}
	if (strchr(format, '%') == NULL)
		return (error_set(error, EXIT_USAGE, "%s is neither dense, human, "
		    "iso-8601 or unix-seconds nor a format for strftime(3)", format));
	if (format_time(time_text, format, end, time_ms, error) == -1)
		return (-1);
	if ((size_t)snprintf(name, SNAP_NAME_SIZE, "%s%s", prefix, time_text) >=
	    SNAP_NAME_SIZE)
		return (error_set(error, EXIT_USAGE,
		    "the name would have more than %d bytes", FS_NAME_MAX));
	if (!fs_name_valid_snapshot(name))
		return (error_set(error, EXIT_USAGE, "\"%s\" is not a valid name "
		    "for a snapshot: it may have letters, digits, blanks and -_.:",
		    name));
	return (0);
}

int
snap_name_check(const char *prefix, const char *format, struct error *error)
{
	char name[SNAP_NAME_SIZE];

	if (snap_name(name, prefix, format, WINTER_MS, error) == -1)
		return (-1);
	return (snap_name(name, prefix, format, SUMMER_MS, error));
}
