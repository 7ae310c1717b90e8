/*
 * Feeds the fixed-length words before the handshake and behind it: a label,
 * and what either side of a stdinserver says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/label.h"
#include "transport/sshcon.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is what would be written, and the other way round. */
static void
label(const char *bytes)
{
	char text[LABEL_SIZE + 1], again[LABEL_SIZE], typed[LABEL_SIZE + 1];
	struct error error;

	memset(text, 'x', sizeof(text));
	if (label_decode(text, bytes, &error) == 0 &&
	    (memchr(text, '\0', sizeof(text)) == NULL || text[0] == '\0' ||
	    label_encode(again, text, &error) == -1 ||
	    memcmp(again, bytes, LABEL_SIZE) != 0))
		abort();
	memcpy(typed, bytes, LABEL_SIZE);
	typed[LABEL_SIZE] = '\0';
	if (label_encode(again, typed, &error) == 0 &&
	    (label_decode(text, again, &error) == -1 || strcmp(text, typed) != 0))
		abort();
}

static void
banner(const char *bytes)
{
	struct error error;

	if ((sshcon_check_server(bytes, &error) == 0) !=
	    (memcmp(bytes, sshcon_hello, SSHCON_BANNER_SIZE) == 0) ||
	    (sshcon_check_client(bytes, &error) == 0) !=
	    (memcmp(bytes, sshcon_begin, SSHCON_BANNER_SIZE) == 0))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char bytes[LABEL_SIZE];
	char *exactly;

	/* Short ones are padded as their writers would do it. */
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	label(bytes);
	/* Not one byte more may be read. */
	exactly = malloc(SSHCON_BANNER_SIZE);
	memcpy(exactly, bytes, SSHCON_BANNER_SIZE);
	banner(exactly);
	free(exactly);
	return (0);
}
