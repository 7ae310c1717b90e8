#include <string.h>

#include "transport/identity.h"

bool
identity_valid(const char *identity)
{
	size_t length = strlen(identity);

	return (length >= 1 && length <= IDENTITY_MAX &&
	    strspn(identity, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz-_.: ") == length &&
	    strcmp(identity, ".") != 0 && strcmp(identity, "..") != 0);
}
