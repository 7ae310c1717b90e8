#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static void
fill_in(struct error *error, enum exit_code code, enum error_cause cause,
    const char *format, va_list arguments)
{
	error->code = code;
	error->cause = cause;
	error->hint[0] = error->hint_for_peer[0] = '\0';
	vsnprintf(error->text, sizeof(error->text), format, arguments);
}

int
error_set(struct error *error, enum exit_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill_in(error, code, ERROR_OTHER, format, arguments);
	va_end(arguments);
	return (-1);
}

int
error_end(struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fill_in(error, EXIT_PROTOCOL, ERROR_END, format, arguments);
	va_end(arguments);
	return (-1);
}

int
error_errno(struct error *error, const char *format, ...)
{
	int saved = errno;
	va_list arguments;
	size_t used;

	va_start(arguments, format);
	fill_in(error, EXIT_SYSTEM, ERROR_OTHER, format, arguments);
	va_end(arguments);
	used = strlen(error->text);
	snprintf(error->text + used, sizeof(error->text) - used, ": %s",
	    strerror(saved));
	errno = saved;
	return (-1);
}

int
error_prefix(struct error *error, const char *format, ...)
{
	char old[sizeof(error->text)];
	va_list arguments;
	size_t used;

	memcpy(old, error->text, sizeof(old));
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	used = strlen(error->text);
	snprintf(error->text + used, sizeof(error->text) - used, ": %.*s",
	    (int)(sizeof(old) - 3), old);
	return (-1);
}
