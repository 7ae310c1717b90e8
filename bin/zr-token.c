/*
 * zr-token: what a resume token says, for scripts that plan a replication.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "zfs/resume_token.h"

static const char usage[] = "zr-token [TOKEN]";

static json_t *
number(uint64_t value)
{
	return (json_sprintf("%" PRIu64, value));
}

static void
set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) == -1)
		die(EXIT_SYSTEM, "out of memory");
}

/* Keys as in the token; flags only where they are set. */
static json_t *
describe(const struct resume_token *token)
{
	const struct { const char *key; bool set; } flags[] = {
		{ "rawok", token->raw }, { "compressok", token->compressed },
		{ "embedok", token->embedded },
		{ "largeblockok", token->large_blocks },
		{ "savedok", token->saved } };
	json_t *object = json_object();

	set(object, "toguid", number(token->to_guid));
	if (token->has_from_guid)
		set(object, "fromguid", number(token->from_guid));
	set(object, "toname", json_sprintf("%s@%s", token->filesystem,
	    token->snapshot));
	set(object, "object", number(token->object));
	set(object, "offset", number(token->offset));
	set(object, "bytes", number(token->bytes));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].set)
			set(object, flags[i].key, json_true());
	return (object);
}

int
main(int argc, char *argv[])
{
	static char line[RESUME_TOKEN_TEXT_MAX + 2];
	const char *text = line;
	struct resume_token token;
	struct error error;
	json_t *object;
	char *answer;
	int option;

	diag_init("zr-token");
	while ((option = getopt(argc, argv, "+h")) != -1) {
		if (option == 'h')
			usage_help(usage);
		usage_die(usage);
	}
	if (argc - optind > 1)
		usage_die(usage);
	if (argc - optind == 1)
		text = argv[optind];
	else if (io_read_line(STDIN_FILENO, line, sizeof(line), IO_FOREVER,
	    &error) == -1)
		die(error.code == EXIT_SYSTEM ? EXIT_SYSTEM : EXIT_USAGE,
		    "no token on standard input%s%s",
		    error.text[0] != '\0' ? ": " : "", error.text);
	if (resume_token_decode(&token, text, &error) == -1)
		diag_die(&error);
	object = describe(&token);
	answer = json_dumps(object, JSON_COMPACT);
	if (answer == NULL)
		die(EXIT_SYSTEM, "%s: not UTF-8", "toname");
	if (puts(answer) == EOF || fflush(stdout) == EOF)
		die_errno("standard output");
	free(answer);
	json_decref(object);
	return (EXIT_DONE);
}
