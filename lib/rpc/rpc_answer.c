#include <string.h>

#include "rpc/rpc_answer.h"
#include "rpc/rpc_headers.h"

static bool
is(const uint8_t *name, size_t length, const char *want)
{
	return (length == strlen(want) && memcmp(name, want, length) == 0);
}

int
rpc_answer_add(struct rpc_answer *answer, const uint8_t *name,
    size_t name_length, const uint8_t *value, size_t value_length)
{
	static const char type[] = "application/grpc";

	answer->length += name_length + value_length + RPC_FIELD_OVERHEAD;
	if (answer->length > RPC_HEADERS_MAX)
		return (-1);
	if (is(name, name_length, ":status"))
		answer->http_status = grpc_status_parse(value, value_length);
	else if (is(name, name_length, "content-type"))
		answer->is_grpc = value_length >= sizeof(type) - 1 &&
		    memcmp(value, type, sizeof(type) - 1) == 0;
	else if (is(name, name_length, "grpc-status")) {
		answer->status_given = true;
		answer->status = grpc_status_parse(value, value_length);
	} else if (is(name, name_length, "grpc-message"))
		grpc_percent_decode(answer->text, value,
		    value_length < sizeof(answer->text) ? value_length :
		    sizeof(answer->text) - 1);
	return (0);
}

enum grpc_status
rpc_answer_check(struct rpc_answer *answer, struct error *error)
{
	/* 1xx: the real ones follow. */
	if (answer->complete ||
	    (answer->http_status >= 100 && answer->http_status < 200))
		return (GRPC_OK);
	answer->complete = true;
	if (answer->status_given)
		return (GRPC_OK);
	if (answer->http_status != 200) {
		error_set(error, EXIT_PROTOCOL, "the server answers with HTTP "
		    "status %u", answer->http_status);
		return (grpc_status_of_http(answer->http_status));
	}
	if (!answer->is_grpc) {
		error_set(error, EXIT_PROTOCOL, "the server's answer is not "
		    "application/grpc");
		return (GRPC_INTERNAL);
	}
	return (GRPC_OK);
}

enum grpc_status
rpc_answer_end(const struct rpc_answer *answer, bool message_complete,
    struct error *error)
{
	if (answer->status_given && answer->status != GRPC_OK) {
		error_set(error, answer->status == GRPC_DEADLINE_EXCEEDED ?
		    EXIT_TIMEOUT : EXIT_FAILED, "%s", answer->text[0] != '\0' ?
		    answer->text : "the server gives no reason");
		return (answer->status);
	}
	if (answer->status_given && message_complete)
		return (GRPC_OK);
	error_set(error, EXIT_PROTOCOL, "the server ended its answer %s",
	    answer->status_given ? "in the middle of the message" :
	    "without grpc-status");
	return (GRPC_INTERNAL);
}
