/*
 * zr-remote: an endpoint somewhere else; the client side's programs in a row.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "transport/chain.h"
#include "transport/label.h"

#include "core/core.h"

static const char usage[] =
    "zr-remote [-d DIRECTORY -n NAME] [-a CA] [-b CERTIFICATE -p KEY] [-s SERVER] "
    "[-i IDENTITY-FILE] [-o FILE] [-r RATE] [-S FILE] [-z] ADDRESS METHOD [REQUEST]";

#define OPTIONS		"a:b:d:hi:n:o:p:r:s:S:z"
#define TLS_OPTIONS	"dnabps"
#define WORDS_MAX	48

/* The argument of each option; NULL: not given. */
struct options {
	char *of[128];
	bool compress;		/* -z */
};

/* What will be executed. */
struct line {
	char *words[WORDS_MAX + 1];
	size_t count;
};

static void
add(struct line *line, const char *word)
{
	if (word == NULL)
		return;
	if (line->count == WORDS_MAX)
		die(EXIT_USAGE, "more than %d words", WORDS_MAX);
	line->words[line->count++] = (char *)(uintptr_t)word;
}

static void
add_option(struct line *line, const char *option, const struct options *options)
{
	if (options->of[(unsigned char)option[1]] == NULL)
		return;
	add(line, option);
	add(line, options->of[(unsigned char)option[1]]);
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .of = { NULL } };
	while ((option = usage_getopt(usage, argc, argv, "+" OPTIONS)) != -1) {
		if (option == 'z') {
			options->compress = true;
			continue;
		}
		if (*optarg == '\0')
			die(EXIT_USAGE, "-%c has an empty argument", option);
		options->of[option] = optarg;
	}
}

static bool
has_prefix(const char *address, const char *prefix)
{
	return (strncmp(address, prefix, strlen(prefix)) == 0);
}

static bool
has_stream(const char *method)
{
	return (strcmp(method, "Send") == 0 || strcmp(method, "Receive") == 0);
}

/*
 * An option that has no effect here is an error: data to be encrypted must not go in the
 * clear.  The rate, the statistics and -z are left to the next stream: an endpoint
 * command has its options for all methods.
 */
static void
check_options(const struct options *options, const char *address, const char *method)
{
	char given[64] = "";
	size_t length = 0;

	for (const char *option = TLS_OPTIONS; *option != '\0'; option++)
		if (options->of[(unsigned char)*option] != NULL)
			length += (size_t)snprintf(given + length,
			    sizeof(given) - length, "-%c ", *option);
	if (length > 0 && !has_prefix(address, "tls:"))
		die(EXIT_USAGE, "%s: %sare for tls:HOST:PORT, here is no TLS", address,
		    given);
	if (options->of['i'] != NULL && !has_prefix(address, "ssh:"))
		die(EXIT_USAGE, "%s: -i is for ssh:HOST only", address);
	if (*method == '-')
		die(EXIT_USAGE, "%s stands where a method is expected: options come "
		    "first", method);
	if (options->of['o'] != NULL && !has_stream(method))
		die(EXIT_USAGE, "-o is for Send and Receive, not %s", method);
}

/* --- the way there --- */

/* zr-tls would refuse these too, but only after connecting. */
static void
check_tls(const struct options *options, const char *address)
{
	char *const *of = options->of;

	if ((of['b'] == NULL) != (of['p'] == NULL))
		die(EXIT_USAGE, "%s: -b and -p go together", address);
	if ((of['a'] == NULL && of['d'] == NULL) ||
	    (of['p'] == NULL && (of['d'] == NULL || of['n'] == NULL)))
		die(EXIT_USAGE, "%s: where are the CA, our certificate and its key? "
		    "(-d DIRECTORY -n NAME, or -a CA -b CERTIFICATE -p KEY)", address);
	if (of['n'] != NULL && of['p'] != NULL)
		die(EXIT_USAGE, "%s: -n has no effect beside -b and -p", address);
	if (of['d'] != NULL && of['a'] != NULL && of['p'] != NULL)
		die(EXIT_USAGE, "%s: -d has no effect beside -a, -b and -p", address);
}

/* A copy of length bytes without what is not part of a host's name or address. */
static char *
host_of(const char *text, size_t length)
{
	char *host = strndup(text, length), *out = host;

	if (host == NULL)
		die_errno("a host's name");
	for (const char *in = host; *in != '\0'; in++)
		if (*in != '[' && *in != ']')
			*out++ = *in;
	*out = '\0';
	return (host);
}

static void
add_tls(struct line *line, struct options *options, const char *address)
{
	static const char *const names[] = { "-d", "-n", "-a", "-b", "-p", "-s" };
	const char *place = address + strlen("tls:"), *colon = strrchr(place, ':');
	static char tcp[1024];

	if (colon == NULL)
		die(EXIT_USAGE, "%s: not an address (tls:HOST:PORT)", address);
	check_tls(options, address);
	if (snprintf(tcp, sizeof(tcp), "tcp:%s", place) >= (int)sizeof(tcp))
		die(EXIT_USAGE, "%s: too long for an address", address);
	if (options->of['s'] == NULL)
		options->of['s'] = host_of(place, (size_t)(colon - place));
	add(line, "zr-connect");
	add(line, tcp);
	add(line, "zr-tls");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		add_option(line, names[i], options);
	add(line, "connect");
}

/* [USER@]HOST[:PORT]; an IPv6 address is in brackets. */
static void
add_ssh(struct line *line, const struct options *options, const char *address)
{
	const char *place = address + strlen("ssh:"), *colon = strrchr(place, ':');
	size_t length = strlen(place);

	if (length == 0)
		die(EXIT_USAGE, "%s: HOST is missing", address);
	if (place[length - 1] == ']')
		colon = NULL;
	if (colon != NULL && (colon[1] == '\0' || *place == ':'))
		die(EXIT_USAGE, "%s: HOST and, after a colon, PORT are expected",
		    address);
	if (colon != NULL)
		length = (size_t)(colon - place);
	if (memchr(place, ':', length) != NULL && memchr(place, '[', length) == NULL)
		die(EXIT_USAGE, "%s: an IPv6 address goes in brackets", address);
	add(line, "zr-ssh-connect");
	add_option(line, "-i", options);
	if (colon != NULL) {
		add(line, "-p");
		add(line, colon + 1);
	}
	add(line, "--");
	add(line, host_of(place, length));
}

static void
add_way(struct line *line, struct options *options, const char *address)
{
	if (has_prefix(address, "tcp:") || has_prefix(address, "unix:") ||
	    has_prefix(address, "exec:")) {
		add(line, "zr-connect");
		add(line, address);
	} else if (has_prefix(address, "tls:"))
		add_tls(line, options, address);
	else if (has_prefix(address, "ssh:"))
		add_ssh(line, options, address);
	else
		die(EXIT_USAGE, "%s: not an address (tcp:HOST:PORT, tls:HOST:PORT, "
		    "ssh:[USER@]HOST[:PORT], unix:PATH, exec:COMMAND)", address);
}

int
remote_main(int argc, char *argv[])
{
	struct line line = { .count = 0 };
	struct options options;
	bool stream;

	usage_begin("zr-remote", usage, argc, argv);
	parse_options(&options, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc < 2 || argc > 3)
		usage_die(usage);
	check_options(&options, argv[0], argv[1]);
	stream = has_stream(argv[1]);

	add_way(&line, &options, argv[0]);
	add(&line, "zr-handshake");
	if (stream && options.compress)
		add(&line, "-z");
	add(&line, "connect");
	add(&line, "zr-mux");
	add(&line, "connect");
	add(&line, stream ? LABEL_DATA : LABEL_CONTROL);
	add(&line, stream ? "zr-dataconn" : "zr-rpc");
	if (stream) {
		add_option(&line, "-S", &options);
		add_option(&line, "-r", &options);
		add_option(&line, "-o", &options);
	}
	add(&line, argv[1]);
	add(&line, argv[2]);
	chain_exec(NULL, line.words);
}
