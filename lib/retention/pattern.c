#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "retention/pattern.h"

/* Enough for any sensible expression on a name of 255 bytes. */
#define MATCH_LIMIT 100000

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

struct pattern *
pattern_compile(const char *text, struct error *error)
{
	struct pattern *pattern = calloc(1, sizeof(*pattern));
	unsigned char reason[128];
	PCRE2_SIZE offset;
	int number;

	if (pattern == NULL) {
		error_errno(error, "pattern");
		return (NULL);
	}
	pattern->code = pcre2_compile((PCRE2_SPTR)text, strlen(text),
	    PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &number, &offset, NULL);
	if (pattern->code == NULL) {
		pcre2_get_error_message(number, reason, sizeof(reason));
		error_set(error, EXIT_USAGE, "%s: at byte %zu: %s", text,
		    (size_t)offset, (const char *)reason);
		pattern_free(pattern);
		return (NULL);
	}
	pattern->match = pcre2_match_data_create(1, NULL);
	pattern->limits = pcre2_match_context_create(NULL);
	if (pattern->match == NULL || pattern->limits == NULL) {
		error_errno(error, "pattern");
		pattern_free(pattern);
		return (NULL);
	}
	pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
	return (pattern);
}

int
pattern_matches(const struct pattern *pattern, const char *name,
    struct error *error)
{
	unsigned char reason[128];
	int result;

	result = pcre2_match(pattern->code, (PCRE2_SPTR)name, strlen(name), 0, 0,
	    pattern->match, pattern->limits);
	if (result >= 0)
		return (1);
	if (result == PCRE2_ERROR_NOMATCH)
		return (0);
	pcre2_get_error_message(result, reason, sizeof(reason));
	return (error_set(error, EXIT_FAILED, "the pattern cannot be matched "
	    "with the name %s: %s", name, (const char *)reason));
}

void
pattern_free(struct pattern *pattern)
{
	if (pattern == NULL)
		return;
	pcre2_code_free(pattern->code);
	pcre2_match_data_free(pattern->match);
	pcre2_match_context_free(pattern->limits);
	free(pattern);
}
