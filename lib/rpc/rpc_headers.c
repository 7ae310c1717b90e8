#include <string.h>

#include "rpc/grpc_timeout.h"
#include "rpc/rpc_headers.h"

/* Keep a header's value; one that is too long is kept as an invalid one. */
static void
keep(char *out, size_t size, const uint8_t *value, size_t length)
{
	if (length >= size)
		length = size - 1;
	for (size_t i = 0; i < length; i++)
		out[i] = value[i] >= ' ' && value[i] <= '~' ? (char)value[i] : '?';
	out[length] = '\0';
}

int
rpc_headers_add(struct rpc_headers *headers, const uint8_t *name,
    size_t name_length, const uint8_t *value, size_t value_length)
{
	const struct { const char *name; char *out; size_t size; } fields[] = {
		{ ":method", headers->http_method, sizeof(headers->http_method) },
		{ ":path", headers->path, sizeof(headers->path) },
		{ "content-type", headers->content_type,
		    sizeof(headers->content_type) },
		{ "grpc-encoding", headers->encoding, sizeof(headers->encoding) } };

	headers->length += name_length + value_length + RPC_FIELD_OVERHEAD;
	if (headers->length > RPC_HEADERS_MAX)
		return (-1);
	if (headers->complete)		/* trailers: nothing of interest */
		return (0);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (name_length == strlen(fields[i].name) &&
		    memcmp(name, fields[i].name, name_length) == 0)
			keep(fields[i].out, fields[i].size, value, value_length);
	if (name_length == 12 && memcmp(name, "grpc-timeout", 12) == 0) {
		headers->timeout_given = true;
		headers->timeout = grpc_timeout_parse(value, value_length);
	}
	return (0);
}

/* The method that :path names, or NULL and the text of the refusal. */
static const struct method *
find_method(const char *path, struct error *error)
{
	static const char service[] = "/Replication/";
	const struct method *method;
	const char *slash;

	slash = path[0] == '/' ? strrchr(path + 1, '/') : NULL;
	if (slash == NULL) {
		error_set(error, EXIT_FAILED, "malformed method name: \"%s\"", path);
		return (NULL);
	}
	if (strncmp(path, service, sizeof(service) - 1) != 0 ||
	    slash != path + sizeof(service) - 2) {
		error_set(error, EXIT_FAILED, "unknown service %.*s",
		    (int)(slash - path - 1), path + 1);
		return (NULL);
	}
	method = method_by_name(slash + 1);
	/* Send and Receive belong to a data connection. */
	if (method == NULL || (method->kind != METHOD_UNARY &&
	    method->kind != METHOD_PING)) {
		error_set(error, EXIT_FAILED, "unknown method %s for service "
		    "Replication", slash + 1);
		return (NULL);
	}
	return (method);
}

static bool
is_grpc(const char *content_type)
{
	static const char type[] = "application/grpc";
	const size_t length = sizeof(type) - 1;

	return (strncmp(content_type, type, length) == 0 &&
	    strchr("+;", content_type[length]) != NULL);
}

enum grpc_status
rpc_headers_check(const struct rpc_headers *headers,
    const struct method **method, const char **http_status, struct error *error)
{
	*http_status = "200";
	if (strcmp(headers->http_method, "POST") != 0) {
		*http_status = "405";
		error_set(error, EXIT_FAILED, "the method is \"%s\", which "
		    "should be POST", headers->http_method);
		return (GRPC_INTERNAL);
	}
	if (!is_grpc(headers->content_type)) {
		*http_status = "415";
		error_set(error, EXIT_FAILED, "invalid gRPC request "
		    "content-type \"%s\"", headers->content_type);
		return (GRPC_INVALID_ARGUMENT);
	}
	if (headers->timeout_given && headers->timeout == -1) {
		error_set(error, EXIT_FAILED, "malformed grpc-timeout");
		return (GRPC_INTERNAL);
	}
	if (headers->encoding[0] != '\0' &&
	    strcmp(headers->encoding, "identity") != 0) {
		error_set(error, EXIT_FAILED, "grpc: Decompressor is not "
		    "installed for grpc-encoding \"%s\"", headers->encoding);
		return (GRPC_UNIMPLEMENTED);
	}
	*method = find_method(headers->path, error);
	return (*method != NULL ? GRPC_OK : GRPC_UNIMPLEMENTED);
}
