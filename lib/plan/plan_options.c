#include <string.h>

#include "plan/plan_options.h"

static int
take_pattern(struct pattern **pattern, const char *text, struct error *error)
{
	if (*pattern != NULL)
		return (error_set(error, EXIT_USAGE, "can be given once: join the "
		    "expressions with |"));
	*pattern = pattern_compile(text, error);
	return (*pattern == NULL ? -1 : 0);
}

static int
take_guarantee(ReplicationGuaranteeKind *kind, const char *text,
    struct error *error)
{
	if (strcmp(text, "resumability") == 0)
		*kind = REPLICATION_GUARANTEE_KIND__GuaranteeResumability;
	else if (strcmp(text, "incremental") == 0)
		*kind = REPLICATION_GUARANTEE_KIND__GuaranteeIncrementalReplication;
	else if (strcmp(text, "nothing") == 0)
		*kind = REPLICATION_GUARANTEE_KIND__GuaranteeNothing;
	else
		return (error_set(error, EXIT_USAGE, "%s is not a guarantee: "
		    "resumability, incremental or nothing", text));
	return (0);
}

/* INITIAL[,INCREMENTAL] */
static int
take_guarantees(struct plan_rules *rules, char *text, struct error *error)
{
	char *comma = strchr(text, ',');

	if (comma != NULL)
		*comma = '\0';
	if (take_guarantee(&rules->protect_initial, text, error) == -1)
		return (-1);
	rules->protect_incremental = rules->protect_initial;
	return (comma == NULL ? 0 : take_guarantee(&rules->protect_incremental,
	    comma + 1, error));
}

static int
take_initial(enum plan_initial *initial, const char *text, struct error *error)
{
	if (strcmp(text, "most_recent") == 0)
		*initial = PLAN_INITIAL_MOST_RECENT;
	else if (strcmp(text, "all") == 0)
		*initial = PLAN_INITIAL_ALL;
	else if (strcmp(text, "fail") == 0)
		*initial = PLAN_INITIAL_FAIL;
	else
		return (error_set(error, EXIT_USAGE, "%s is not a policy: "
		    "most_recent, all or fail", text));
	return (0);
}

/* The receiver's rules; its listing does not tell what was replicated from there. */
static int
take_rules(struct rules *rules, int option, const char *text, struct error *error)
{
	if ((option == 'k' ? rules_add(rules, text, strlen(text), error) :
	    rules_read(rules, text, error)) == -1)
		return (-1);
	if (rules_have(rules, RULE_NOT_REPLICATED))
		return (error_set(error, EXIT_USAGE, "not_replicated is no rule for "
		    "a receiver"));
	return (0);
}

int
plan_options_take(struct plan_options *options, int option, char *text,
    struct error *error)
{
	struct plan_rules *rules = &options->rules;
	int result = 0;

	switch (option) {
	case 'g':
		result = take_guarantees(rules, text, error);
		break;
	case 'I':
		result = take_initial(&rules->initial, text, error);
		break;
	case 'i':
		result = take_pattern(&rules->include, text, error);
		break;
	case 'K':
	case 'k':
		result = take_rules(&rules->retention, option, text, error);
		break;
	case 'l':
		rules->newest_only = true;
		break;
	case 'm':
		result = name_map_add(&options->map, text, error);
		break;
	case 'x':
		result = take_pattern(&rules->exclude, text, error);
		break;
	default:
		return (0);
	}
	return (result == -1 ? error_prefix(error, "-%c", option) : 1);
}

void
plan_options_free(struct plan_options *options)
{
	name_map_free(&options->map);
	pattern_free(options->rules.include);
	pattern_free(options->rules.exclude);
	rules_free(&options->rules.retention);
}
