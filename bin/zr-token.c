/* zr-token: the fields of a resume token, for scripts that plan a replication. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/diag.h"
#include "base/io.h"
#include "format/resume_token.h"
#include "message/json_text.h"

static const char usage[] = "zr-token [TOKEN]";

/* Keys as in the token; flags only where they are set. */
static int
describe(struct buffer *out, const struct resume_token *token)
{
	const struct resume_token_name *flag = resume_token_names;
	char name[sizeof(token->filesystem) + sizeof(token->snapshot) + 1];

	snprintf(name, sizeof(name), "%s@%s", token->filesystem, token->snapshot);
	if (json_text_uint64_member(out, "toguid", token->to_guid) == -1 ||
	    (token->from_guid != 0 &&
	    json_text_uint64_member(out, "fromguid", token->from_guid) == -1) ||
	    json_text_member(out, "toname", name) == -1 ||
	    json_text_uint64_member(out, "object", token->object) == -1 ||
	    json_text_uint64_member(out, "offset", token->offset) == -1 ||
	    json_text_uint64_member(out, "bytes", token->bytes) == -1)
		return (-1);
	for (; flag < resume_token_names + RESUME_TOKEN_NAMED_FLAGS; flag++)
		if ((token->flags & flag->flag) != 0 &&
		    json_text_raw_member(out, flag->name, "true") == -1)
			return (-1);
	return (json_text_raw(out, "}\n"));
}

int
main(int argc, char *argv[])
{
	static char line[RESUME_TOKEN_TEXT_MAX + 2];
	const char *text = line;
	struct resume_token token;
	struct error error;
	struct buffer out = BUFFER_EMPTY(1 << 20);

	usage_begin("zr-token", usage, argc, argv);
	usage_getopt(usage, argc, argv, "+h");
	if (argc - optind > 1)
		usage_die(usage);
	if (argc - optind == 1)
		text = argv[optind];
	else if (io_read_line(STDIN_FILENO, IO_LINE_AND_REST, line, sizeof(line), IO_FOREVER,
	    &error) == -1)
		die(error.code == EXIT_SYSTEM ? EXIT_SYSTEM : EXIT_USAGE,
		    "no token on standard input: %s", error.text);
	if (resume_token_decode(&token, text, &error) == -1)
		diag_die(&error);
	if (describe(&out, &token) == -1)
		die_errno("the token's description");
	if (io_write_all(STDOUT_FILENO, buffer_front(&out), buffer_length(&out),
	    IO_FOREVER, &error) == -1)
		diag_die(&error);
	buffer_free(&out);
	return (EXIT_DONE);
}
