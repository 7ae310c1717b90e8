/* Feeds a peer's first bytes to the banner's reader as zr-handshake does. */
#include <stddef.h>
#include <stdint.h>

#include "transport/banner.h"
#include "transport/label.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	char label[LABEL_SIZE + 1];
	struct banner banner;
	struct error error;
	size_t have = 0, missing;

	(void)banner_guess(bytes, size);
	if (size >= LABEL_SIZE)
		(void)label_decode(label, bytes, &error);
	for (;;) {
		if (banner_missing(bytes, have, &missing, &error) == -1 ||
		    missing > size - have)
			return (0);
		if (missing == 0)
			break;
		have += missing;
	}
	if (banner_parse(&banner, bytes, have, &error) == 0)
		(void)banner_check(&banner, &error);
	return (0);
}
