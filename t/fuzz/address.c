/* Feeds address_parse(), the addresses of zr-connect and zr-listen. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address address;
	struct error error;
	char *text = strndup((const char *)data, size);

	if (text != NULL)
		(void)address_parse(&address, text, &error);
	free(text);
	return (0);
}
