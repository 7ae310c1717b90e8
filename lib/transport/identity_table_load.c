#include <fcntl.h>
#include <stdlib.h>

#include "base/io.h"
#include "transport/identity_table.h"

static int
add_file(struct identity_table *table, const char *path,
    struct error *error)
{
	char *text = malloc(IDENTITY_FILE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;
	size_t length = 0;
	ssize_t got = 1;

	if (text == NULL || fd == -1) {
		error_errno(error, "%s", path);
		goto out;
	}
	while (length <= IDENTITY_FILE_MAX && (got = io_read(fd, text + length,
	    IDENTITY_FILE_MAX + 1 - length)) > 0)
		length += (size_t)got;
	if (got == -1)
		error_errno(error, "%s", path);
	else if (length > IDENTITY_FILE_MAX)
		error_set(error, EXIT_USAGE, "%s: larger than %u bytes", path,
		    IDENTITY_FILE_MAX);
	else if ((result = identity_table_add_lines(table, text, length,
	    error)) == -1)
		error_prefix(error, "%s", path);
out:
	io_close(&fd);
	free(text);
	return (result);
}

int
identity_table_load(struct identity_table **table,
    const struct identity_source *source, struct error *error)
{
	struct identity_table *loaded;

	if (source->count == 0 && source->file == NULL)
		return (0);
	loaded = identity_table_new();
	if (loaded == NULL)
		return (error_errno(error, "identities"));
	for (size_t i = 0; i < source->count; i++)
		if (identity_table_add(loaded, source->entries[i], error) == -1)
			goto fail;
	if (source->file != NULL && add_file(loaded, source->file, error) == -1)
		goto fail;
	identity_table_free(*table);
	*table = loaded;
	return (0);
fail:
	identity_table_free(loaded);
	return (-1);
}
