/*
 * Feeds the identity table: up to the first NUL an address to look up, after
 * it the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/identity_table.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	struct identity_table *table;
	char identity[IDENTITY_MAX + 1];
	struct error error;
	size_t skip;

	if (nul == NULL || (table = identity_table_new()) == NULL)
		return (0);
	skip = (size_t)(nul - data) + 1;
	(void)identity_table_add_lines(table, (const char *)data + skip,
	    size - skip, &error);
	if (identity_table_find(table, (const char *)data, identity, &error) == 0 &&
	    !identity_valid(identity))
		abort();
	identity_table_free(table);
	return (0);
}
