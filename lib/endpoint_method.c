#include <string.h>

#include "endpoint_method.h"
#include "request.h"

int
endpoint_method_run(const struct endpoint_method methods_here[], void *context,
    const char *name, const char *operand, struct error *error)
{
	const struct method *method = method_by_name(name);
	const struct endpoint_method *here = methods_here;
	ProtobufCMessage *request;
	int result;

	while (here->name != NULL && strcmp(here->name, name) != 0)
		here++;
	if (method == NULL || here->name == NULL)
		return (error_set(error, EXIT_USAGE, "%s: no such method", name));
	request = request_read(method, operand, error);
	if (request == NULL)
		return (-1);
	result = here->handle(context, request, error);
	protobuf_c_message_free_unpacked(request, NULL);
	return (result);
}
