/*
 * zr-serve: serve an endpoint on a connection, by the label that zr-mux read.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "transport/chain.h"
#include "transport/label.h"

#include "core/core.h"

static const char usage[] =
    "zr-serve [-b] [-r RATE] [-S FILE] [-T SECONDS] [-t SECONDS] ENDPOINT ...";

#define WORDS_MAX 10	/* in front of the endpoint's */

struct options {
	bool batch;
	char *rate, *statistics, *timeout, *standstill;
};

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .batch = false };
	while ((option = usage_getopt(usage, argc, argv, "+bhr:S:T:t:")) != -1)
		switch (option) {
		case 'b': options->batch = true; break;
		case 'r': options->rate = optarg; break;
		case 'S': options->statistics = optarg; break;
		case 'T': options->timeout = optarg; break;
		case 't': options->standstill = optarg; break;
		}
}

/* The next two words, unless the option is not given or empty. */
static char **
add(char **word, const char *option, char *argument)
{
	if (argument == NULL || *argument == '\0')
		return (word);
	*word++ = (char *)(uintptr_t)option;
	*word++ = argument;
	return (word);
}

int
serve_main(int argc, char *argv[])
{
	const char *label = getenv("ZR_LABEL");
	struct options options;
	char **words, **word;

	usage_begin("zr-serve", usage, argc, argv);
	parse_options(&options, argc, argv);
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage_die(usage);
	usage_operand("an endpoint", argv[0]);
	words = word = calloc((size_t)argc + WORDS_MAX + 1, sizeof(*words));
	if (words == NULL)
		die_errno("a command line");
	if (label == NULL || *label == '\0')
		die(EXIT_USAGE, "ZR_LABEL is not set: zr-mux accept sets it, run this "
		    "behind it");
	if (strcmp(label, LABEL_CONTROL) == 0) {
		*word++ = (char *)(uintptr_t)"zr-rpc";
		if (options.batch)
			*word++ = (char *)(uintptr_t)"-b";
	} else if (strcmp(label, LABEL_DATA) == 0) {
		*word++ = (char *)(uintptr_t)"zr-dataconn";
		word = add(word, "-S", options.statistics);
		word = add(word, "-t", options.standstill);
		word = add(word, "-r", options.rate);
	} else
		die(EXIT_USAGE, "nothing serves the label %s (" LABEL_CONTROL ", "
		    LABEL_DATA ")", label);
	word = add(word, "-T", options.timeout);
	*word++ = (char *)(uintptr_t)"serve";
	memcpy(word, argv, (size_t)argc * sizeof(*argv));
	chain_exec(NULL, words);
}
