#include <string.h>

#include "transport/label.h"

/* How long the label at text is; 0 if it is none. */
static size_t
valid_length(const char *text, size_t max)
{
	size_t length = strnlen(text, max);

	if (*text == '-')
		return (0);
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return (0);
	return (length);
}

int
label_encode(char out[LABEL_SIZE], const char *label, struct error *error)
{
	const size_t length = strlen(label);

	if (length > LABEL_SIZE || valid_length(label, LABEL_SIZE) == 0)
		return (error_set(error, EXIT_USAGE, "a label is 1 to %d "
		    "printable characters and does not begin with \"-\": \"%s\"",
		    LABEL_SIZE, label));
	memset(out, 0, LABEL_SIZE);
	memcpy(out, label, length);
	return (0);
}

int
label_decode(char label[LABEL_SIZE + 1], const char in[LABEL_SIZE],
    struct error *error)
{
	const size_t length = valid_length(in, LABEL_SIZE);

	for (size_t i = length; i < LABEL_SIZE; i++)
		if (length == 0 || in[i] != '\0')
			return (error_set(error, EXIT_PROTOCOL,
			    "the client's label is malformed"));
	memcpy(label, in, length);
	label[length] = '\0';
	return (0);
}
