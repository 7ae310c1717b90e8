#include <stdlib.h>
#include <string.h>

#include "transport/extension.h"

#define VARIABLE "ZR_EXTENSIONS"

bool
extension_in_banner(const struct banner *banner, const char *name)
{
	const char *line = banner->extensions;
	const char *end = line + banner->extensions_length, *newline;
	const size_t length = strlen(name);

	for (; line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (newline == NULL)
			return (false);
		if ((size_t)(newline - line) == length &&
		    memcmp(line, name, length) == 0)
			return (true);
	}
	return (false);
}

int
extension_export(const char *name)
{
	return (name == NULL ? unsetenv(VARIABLE) : setenv(VARIABLE, name, 1));
}

bool
extension_agreed(const char *name)
{
	const size_t length = strlen(name);
	const char *word = getenv(VARIABLE);

	for (; word != NULL && *word != '\0'; word += strspn(word, " ")) {
		if (strcspn(word, " ") == length && strncmp(word, name, length) == 0)
			return (true);
		word += strcspn(word, " ");
	}
	return (false);
}
