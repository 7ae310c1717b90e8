#ifndef ZR_GRPC_STATUS_H
#define ZR_GRPC_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint/outcome.h"

/*
 * gRPC's status: the number in grpc-status and the text in grpc-message
 * (zr-protocol(7), Control connection).
 */
enum grpc_status {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,		/* an endpoint's error */
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16
};

/* "RESOURCE_EXHAUSTED"; for a number without a name "STATUS 99". */
const char *grpc_status_name(enum grpc_status status);

/* The status of that name; GRPC_UNKNOWN for an unknown name and for "OK". */
enum grpc_status grpc_status_by_name(const char *name);

/*
 * The status for a call that failed at an endpoint; GRPC_UNKNOWN for an ordinary error.
 */
enum grpc_status grpc_status_of_outcome(enum outcome outcome);

/* From the length bytes of grpc-status; GRPC_UNKNOWN if they are not a number. */
enum grpc_status grpc_status_parse(const uint8_t *text, size_t length);

/* For an answer whose :status is not 200, and for RST_STREAM's code. */
enum grpc_status grpc_status_of_http(unsigned http_status);
enum grpc_status grpc_status_of_reset(uint32_t http2_code);

/*
 * Longest encoded grpc-message that we send, in bytes: the header limits of some peers
 * are as low as 8 KiB.  A longer text is cut at its end.
 */
#define GRPC_MESSAGE_ENCODED_MAX 6144

/*
 * Percent-encode text: '%' and bytes outside of ' '..'~' become %XX.  out gets at most
 * size - 1 bytes and a NUL; no escape or character is cut in two.
 */
void	grpc_percent_encode(char *out, size_t size, const char *text);

/*
 * Decode length bytes: bytes outside escapes stand for themselves.  The result is valid
 * UTF-8 (utf8_sanitize) with a NUL after it; out has room for length + 1.
 */
void	grpc_percent_decode(char *out, const uint8_t *text, size_t length);

#endif
