#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "rpc/grpc_status.h"

static const char *const names[] = { "OK", "CANCELLED", "UNKNOWN",
	"INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED" };

const char *
grpc_status_name(enum grpc_status status)
{
	static char other[32];

	if ((size_t)status < sizeof(names) / sizeof(names[0]))
		return (names[status]);
	snprintf(other, sizeof(other), "STATUS %u", (unsigned)status);
	return (other);
}

enum grpc_status
grpc_status_by_name(const char *name)
{
	for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return ((enum grpc_status)i);
	return (GRPC_UNKNOWN);
}

enum grpc_status
grpc_status_of_outcome(enum outcome outcome)
{
	return (grpc_status_by_name(outcome_status(outcome)));
}

enum grpc_status
grpc_status_parse(const uint8_t *text, size_t length)
{
	unsigned value = 0;

	if (length == 0 || length > 5)
		return (GRPC_UNKNOWN);
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return (GRPC_UNKNOWN);
		value = value * 10 + (text[i] - '0');
	}
	return ((enum grpc_status)value);
}

enum grpc_status
grpc_status_of_http(unsigned http_status)
{
	switch (http_status) {
	case 400:
		return (GRPC_INTERNAL);
	case 401:
		return (GRPC_UNAUTHENTICATED);
	case 403:
		return (GRPC_PERMISSION_DENIED);
	case 404:
		return (GRPC_UNIMPLEMENTED);
	case 429:
	case 502:
	case 503:
	case 504:
		return (GRPC_UNAVAILABLE);
	default:
		return (GRPC_UNKNOWN);
	}
}

enum grpc_status
grpc_status_of_reset(uint32_t http2_code)
{
	switch (http2_code) {
	case 0x7:	/* REFUSED_STREAM */
		return (GRPC_UNAVAILABLE);
	case 0x8:	/* CANCEL */
		return (GRPC_CANCELLED);
	case 0xb:	/* ENHANCE_YOUR_CALM */
		return (GRPC_RESOURCE_EXHAUSTED);
	case 0xc:	/* INADEQUATE_SECURITY */
		return (GRPC_PERMISSION_DENIED);
	default:
		return (GRPC_INTERNAL);
	}
}

static bool
stands_for_itself(unsigned char byte)
{
	return (byte >= ' ' && byte <= '~' && byte != '%');
}

void
grpc_percent_encode(char *out, size_t size, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t used = 0, left = strlen(text), length, need;
	unsigned char byte;

	while (left > 0) {
		/* A whole character, or a byte that belongs to none. */
		length = utf8_sequence(text, left);
		if (length == 0)
			length = 1;
		need = length == 1 && stands_for_itself((unsigned char)*text) ?
		    1 : 3 * length;
		if (used + need >= size)
			break;
		for (size_t i = 0; i < length; i++) {
			byte = (unsigned char)text[i];
			if (need == 1) {
				out[used++] = (char)byte;
				continue;
			}
			out[used++] = '%';
			out[used++] = digits[byte >> 4];
			out[used++] = digits[byte & 15];
		}
		text += length;
		left -= length;
	}
	out[used] = '\0';
}

static int
digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return (byte - '0');
	if (byte >= 'a' && byte <= 'f')
		return (byte - 'a' + 10);
	if (byte >= 'A' && byte <= 'F')
		return (byte - 'A' + 10);
	return (-1);
}

void
grpc_percent_decode(char *out, const uint8_t *text, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++)
		if (text[i] == '%' && length - i > 2 &&
		    digit(text[i + 1]) != -1 && digit(text[i + 2]) != -1) {
			out[used++] = (char)(digit(text[i + 1]) << 4 |
			    digit(text[i + 2]));
			i += 2;
		} else
			out[used++] = (char)text[i];
	utf8_sanitize(out, out, used);
}
