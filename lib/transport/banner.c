#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "transport/banner.h"

#define WORDS "ZREPL_ZFS_REPLICATION PROTOVERSION="
#define MORE_WORDS " EXTENSIONS="

void
banner_ours(char out[BANNER_OURS_MAX], const char *extension)
{
	char body[BANNER_OURS_MAX - BANNER_PREFIX_SIZE];

	snprintf(body, sizeof(body), WORDS "%04d" MORE_WORDS "%04d\n%s%s",
	    BANNER_VERSION, extension != NULL, extension != NULL ? extension : "",
	    extension != NULL ? "\n" : "");
	snprintf(out, BANNER_OURS_MAX, "%010zu %s", strlen(body), body);
}

int
banner_missing(const char *bytes, size_t length, size_t *missing,
    struct error *error)
{
	char number[BANNER_PREFIX_SIZE];
	unsigned long body;
	size_t i;

	for (i = 0; i < length && i < BANNER_PREFIX_SIZE - 1; i++)
		if (!isdigit((unsigned char)bytes[i]))
			return (error_set(error, EXIT_PROTOCOL,
			    "the peer's banner does not begin with a length"));
	if (length < BANNER_PREFIX_SIZE) {
		*missing = BANNER_PREFIX_SIZE - length;
		return (0);
	}
	if (bytes[BANNER_PREFIX_SIZE - 1] != ' ')
		return (error_set(error, EXIT_PROTOCOL,
		    "the peer's banner has no blank after its length"));
	memcpy(number, bytes, sizeof(number));
	number[sizeof(number) - 1] = '\0';
	body = strtoul(number, NULL, 10);
	if (body > BANNER_BODY_MAX)
		return (error_set(error, EXIT_PROTOCOL, "the peer's banner is "
		    "%lu bytes long, more than %d", body, BANNER_BODY_MAX));
	*missing = BANNER_PREFIX_SIZE + body - length;
	return (0);
}

/* Exactly these words at *text, which moves behind them. */
static bool
words(const char **text, const char *end, const char *wanted)
{
	const size_t length = strlen(wanted);

	if ((size_t)(end - *text) < length || memcmp(*text, wanted, length) != 0)
		return (false);
	*text += length;
	return (true);
}

static bool
four_digits(const char **text, const char *end, int *value)
{
	*value = 0;
	if (end - *text < 4)
		return (false);
	for (int i = 0; i < 4; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return (false);
		*value = *value * 10 + (**text - '0');
	}
	return (true);
}

int
banner_parse(struct banner *banner, const char *bytes, size_t length,
    struct error *error)
{
	const char *text = bytes + BANNER_PREFIX_SIZE, *end = bytes + length;
	const char *line, *newline;
	int lines = 0;

	*banner = (struct banner){ .version = 0 };
	if (!words(&text, end, WORDS))
		return (error_set(error, EXIT_PROTOCOL,
		    "the peer's banner is not zrepl's"));
	if (!four_digits(&text, end, &banner->version) ||
	    !words(&text, end, MORE_WORDS) ||
	    !four_digits(&text, end, &banner->extension_count) ||
	    !words(&text, end, "\n"))
		return (error_set(error, EXIT_PROTOCOL,
		    "the peer's banner is malformed"));
	if (banner->version == 0)
		return (error_set(error, EXIT_PROTOCOL,
		    "the peer's banner says protocol version 0"));
	if (banner->extension_count > 9998)
		return (error_set(error, EXIT_PROTOCOL,
		    "the peer's banner announces too many extensions"));
	banner->extensions = text;
	banner->extensions_length = (size_t)(end - text);
	if (!utf8_valid(text, banner->extensions_length) ||
	    memchr(text, '\0', banner->extensions_length) != NULL)
		return (error_set(error, EXIT_PROTOCOL,
		    "an extension in the peer's banner is not UTF-8 text"));
	for (line = text; line < end; line = newline + 1, lines++) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (newline == NULL)
			return (error_set(error, EXIT_PROTOCOL,
			    "the peer's banner has bytes after its last line"));
	}
	if (lines != banner->extension_count)
		return (error_set(error, EXIT_PROTOCOL, "the peer's banner "
		    "announces %d extensions and has %d",
		    banner->extension_count, lines));
	return (0);
}

int
banner_check(const struct banner *banner, struct error *error)
{
	if (banner->version == BANNER_VERSION)
		return (0);
	return (error_set(error, EXIT_PROTOCOL, "the peer speaks protocol "
	    "version %d, we speak version %d", banner->version, BANNER_VERSION));
}

const char *
banner_guess(const char *bytes, size_t length)
{
	static const struct {
		const char *begins;
		size_t length;
		const char *what;
	} known[] = {
		{ "SSH-", 4, "an SSH server" },
		{ "SSHCON_", 7, "zrepl's stdinserver banner: this connection "
		    "comes through ssh" },
		{ "HTTP/", 5, "an HTTP server" },
		{ "GET ", 4, "an HTTP client" },
		{ "POST ", 5, "an HTTP client" },
		/* What some servers say to a line that is no request. */
		{ "<html", 5, "an HTTP server" },
		{ "<!DOCTYPE", 9, "an HTTP server" },
		{ "PRI * HTTP/2", 12, "an HTTP/2 client: the handshake was left out" },
		{ "\0\0\022\004", 4, "an HTTP/2 server: the handshake was left out" },
		{ "\026\003", 2, "a TLS client: put zr-tls accept in front" },
		{ "\025\003", 2, "a TLS server: put zr-tls connect in front" },
		{ "220 ", 4, "a mail or FTP server" }
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (length >= known[i].length &&
		    memcmp(bytes, known[i].begins, known[i].length) == 0)
			return (known[i].what);
	return (NULL);
}
