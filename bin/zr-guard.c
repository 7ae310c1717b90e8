/*
 * zr-guard: an endpoint in front of another that protects snapshots from a client.  The
 * work is in lib/guard.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "guard/guard.h"
#include "message/method.h"
#include "message/request.h"

static const char usage[] =
    "zr-guard [-q] [-d DIRECTORY] (-k RULE | -K FILE) ... ENDPOINT "
    "[ARGUMENT ...] METHOD [REQUEST]\n"
    "zr-guard -a [-q] ENDPOINT [ARGUMENT ...] METHOD [REQUEST]";

#define DEFAULT_DIRECTORY "/var/lib/zr/guard"

/* The first that systemd made for us, if it did. */
static const char *
default_directory(void)
{
	const char *given = getenv("STATE_DIRECTORY");
	char *first;

	if (given == NULL || given[0] == '\0')
		return (DEFAULT_DIRECTORY);
	first = strndup(given, strcspn(given, ":"));
	if (first == NULL)
		die_errno("STATE_DIRECTORY");
	return (first);
}

static void
add_rule(struct rules *rules, const char *text)
{
	struct error error;

	if (rules_add(rules, text, strlen(text), &error) == -1) {
		error_prefix(&error, "-k %s", text);
		diag_die(&error);
	}
}

static void
add_rules(struct rules *rules, const char *path)
{
	struct error error;

	if (rules_read(rules, path, &error) == -1) {
		error_prefix(&error, "-K");
		diag_die(&error);
	}
}

static void
check_rules(const struct guard *guard, bool append)
{
	if (append && (guard->rules->count > 0 || guard->directory != NULL))
		die(EXIT_USAGE, "-a keeps everything: -d, -K and -k have no effect "
		    "beside it");
	if (!append && guard->rules->count == 0)
		die(EXIT_USAGE, "no rule: -k RULE, -K FILE with at least one, or -a");
	if (rules_have(guard->rules, RULE_NOT_REPLICATED))
		die(EXIT_USAGE, "not_replicated: a receiver does not know what was "
		    "replicated");
}

static bool
is_method(const char *word)
{
	return (strcmp(word, "batch") == 0 || method_by_name(word) != NULL);
}

int
main(int argc, char *argv[])
{
	struct rules rules = { .count = 0 };
	struct guard guard = { .rules = &rules };
	const char *method, *operand = NULL;
	bool append = false, given = false;
	int option, result;

	usage_begin("zr-guard", usage, argc, argv);
	/* The request that we check must be the one that the endpoint gets. */
	unsetenv(REQUEST_ENVIRONMENT);
	while ((option = usage_getopt(usage, argc, argv, "+ad:hK:k:q")) != -1)
		switch (option) {
		case 'a':
			append = true;
			break;
		case 'd':
			guard.directory = optarg;
			break;
		case 'K':
			add_rules(&rules, optarg);
			given = true;
			break;
		case 'k':
			add_rule(&rules, optarg);
			given = true;
			break;
		case 'q':
			guard.quiet = true;
			break;
		}
	if (argc - optind < 2 || (append && given))
		usage_die(usage);
	usage_operand("an endpoint", argv[optind]);
	check_rules(&guard, append);
	if (append)
		guard.rules = NULL;
	if (guard.directory == NULL)
		guard.directory = default_directory();
	method = argv[argc - 1];
	if (!is_method(method) && argc - optind > 2 && is_method(argv[argc - 2])) {
		operand = method;
		method = argv[--argc - 1];
	}
	argv[argc - 1] = NULL;
	guard.endpoint = argv + optind;
	result = guard_run(&guard, method, operand);
	rules_free(&rules);
	return (result);
}
