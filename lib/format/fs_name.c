#include <stddef.h>
#include <string.h>

#include "format/fs_name.h"

static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.: ";

static bool
valid_component(const char *text, size_t length)
{
	if (length == 0 || length > FS_NAME_MAX)
		return (false);
	return (strncmp(text, "..", length) != 0 || length > 2);
}

bool
fs_name_valid_filesystem(const char *name)
{
	unsigned int depth = 0;
	size_t length;

	if (strlen(name) > FS_NAME_MAX || *name == '-')
		return (false);
	for (;; name += length + 1) {
		length = strspn(name, characters);
		if (!valid_component(name, length) || ++depth > FS_DEPTH_MAX)
			return (false);
		if (name[length] == '\0')
			return (true);
		if (name[length] != '/')
			return (false);
	}
}

bool
fs_name_valid_snapshot(const char *name)
{
	const size_t length = strspn(name, characters);

	return (name[length] == '\0' && valid_component(name, length));
}
