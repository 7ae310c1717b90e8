#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lines.h"
#include "base/number.h"
#include "base/utf8.h"
#include "retention/grid.h"
#include "retention/rules.h"

#define BLANKS " \t"

/* The next word, ended in place; "" at the end. */
static char *
next_word(char **rest)
{
	char *word = *rest + strspn(*rest, BLANKS);
	char *end = word + strcspn(word, BLANKS);

	*rest = end;
	if (*end != '\0') {
		*end = '\0';
		*rest = end + 1 + strspn(end + 1, BLANKS);
	}
	return (word);
}

static int
take_pattern(struct rule *rule, const char *word, struct error *error)
{
	if (word[0] == '\0')
		return (error_set(error, EXIT_USAGE, "the expression is missing"));
	rule->pattern = pattern_compile(word, error);
	return (rule->pattern == NULL ? -1 : 0);
}

static int
take_end(const char *rest, struct error *error)
{
	if (rest[0] == '\0')
		return (0);
	return (error_set(error, EXIT_USAGE,
	    "nothing can stand behind it (an expression has no blank): %s", rest));
}

static int
take_grid(struct rule *rule, char *rest, struct error *error)
{
	if (take_pattern(rule, next_word(&rest), error) == -1)
		return (-1);
	if (rest[0] == '\0')
		return (error_set(error, EXIT_USAGE,
		    "the intervals behind the expression are missing"));
	return (grid_parse(rule, rest, error));
}

static int
take_last_n(struct rule *rule, char *rest, struct error *error)
{
	if (!number_parse(&rule->last_n, next_word(&rest), 10, 1,
	    RULES_NUMBER_MAX))
		return (error_set(error, EXIT_USAGE, "it wants a number, 1 to %d",
		    RULES_NUMBER_MAX));
	if (rest[0] == '\0')
		return (0);
	if (take_pattern(rule, next_word(&rest), error) == -1)
		return (-1);
	return (take_end(rest, error));
}

static int
take_regex(struct rule *rule, char *rest, struct error *error)
{
	if (take_pattern(rule, next_word(&rest), error) == -1)
		return (-1);
	return (take_end(rest, error));
}

static int
take_not_replicated(struct rule *rule, char *rest, struct error *error)
{
	char *word = next_word(&rest);

	rule->drop_cursor = strcmp(word, "drop_cursor") == 0;
	return (take_end(rule->drop_cursor ? rest : word, error));
}

static const struct {
	const char *name;
	enum rule_kind kind;
	int (*take)(struct rule *rule, char *rest, struct error *error);
} kinds[] = {
	{ "grid", RULE_GRID, take_grid },
	{ "last_n", RULE_LAST_N, take_last_n },
	{ "regex", RULE_REGEX, take_regex },
	{ "not_regex", RULE_NOT_REGEX, take_regex },
	{ "not_replicated", RULE_NOT_REPLICATED, take_not_replicated }
};

static int
parse(struct rule *rule, char *text, struct error *error)
{
	char *rest = text;
	const char *name = next_word(&rest);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(name, kinds[i].name) == 0) {
			rule->kind = kinds[i].kind;
			return (kinds[i].take(rule, rest, error));
		}
	return (error_set(error, EXIT_USAGE, "it begins with none of grid, last_n, "
	    "regex, not_regex, not_replicated"));
}

static void
free_rule(struct rule *rule)
{
	free(rule->text);
	pattern_free(rule->pattern);
	free(rule->intervals);
}

/* The line without blanks around it, if it can be a rule at all. */
static char *
copy_line(const char *line, size_t length, struct error *error)
{
	char *text;

	if (length > RULES_LINE_MAX) {
		error_set(error, EXIT_USAGE, "a rule is longer than %d bytes",
		    RULES_LINE_MAX);
		return (NULL);
	}
	while (length > 0 && strchr(BLANKS, line[0]) != NULL && line[0] != '\0')
		line++, length--;
	while (length > 0 && strchr(BLANKS, line[length - 1]) != NULL &&
	    line[length - 1] != '\0')
		length--;
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') ||
		    line[i] == 0x7f) {
			error_set(error, EXIT_USAGE,
			    "a rule contains a control character");
			return (NULL);
		}
	if (!utf8_valid(line, length)) {
		error_set(error, EXIT_USAGE, "a rule is not UTF-8");
		return (NULL);
	}
	text = strndup(line, length);
	if (text == NULL)
		error_errno(error, "rules");
	return (text);
}

int
rules_add(struct rules *rules, const char *line, size_t length,
    struct error *error)
{
	struct rule rule = { .text = NULL };
	struct rule *grown;
	char *words = NULL;

	if (rules->count == RULES_MAX)
		return (error_set(error, EXIT_USAGE, "there are more than %d rules",
		    RULES_MAX));
	rule.text = copy_line(line, length, error);
	if (rule.text == NULL)
		return (-1);
	words = strdup(rule.text);
	grown = words == NULL ? NULL : reallocarray(rules->rules,
	    rules->count + 1, sizeof(*grown));
	if (grown == NULL) {
		error_errno(error, "rules");
		goto failed;
	}
	rules->rules = grown;
	if (parse(&rule, words, error) == -1) {
		error_prefix(error, "the rule \"%s\"", rule.text);
		goto failed;
	}
	free(words);
	rules->rules[rules->count++] = rule;
	return (0);
failed:
	free(words);
	free_rule(&rule);
	return (-1);
}

static bool
passed_over(const char *line, size_t length)
{
	size_t blanks = 0;

	while (blanks < length && (line[blanks] == ' ' || line[blanks] == '\t'))
		blanks++;
	return (blanks == length || line[blanks] == '#');
}

static int
read_lines(struct rules *rules, int fd, struct lines *lines, struct error *error)
{
	const size_t before = rules->count;
	size_t number = 0, length;
	const char *line;

	do {
		if (io_wait(fd, POLLIN, IO_FOREVER, error) == -1 ||
		    lines_read(lines, fd, error) == -1)
			return (-1);
		while ((line = lines_next(lines, &length)) != NULL) {
			number++;
			if (lines_cut(lines, length))
				return (error_set(error, EXIT_USAGE, "line %zu does "
				    "not end with a newline: has the file been cut?",
				    number));
			if (!passed_over(line, length) &&
			    rules_add(rules, line, length, error) == -1)
				return (error_prefix(error, "line %zu", number));
		}
	} while (!lines_done(lines));
	return (rules->count > before ? 0 : error_set(error, EXIT_USAGE,
	    "there is no rule in it"));
}

int
rules_read(struct rules *rules, const char *path, struct error *error)
{
	struct lines lines = LINES_EMPTY(RULES_LINE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC), result;

	if (fd == -1)
		return (error_errno(error, "%s", path));
	result = read_lines(rules, fd, &lines, error);
	if (result == -1)
		error_prefix(error, "%s", path);
	lines_free(&lines);
	io_close(&fd);
	return (result);
}

bool
rules_have(const struct rules *rules, enum rule_kind kind)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->rules[i].kind == kind)
			return (true);
	return (false);
}

void
rules_free(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free_rule(&rules->rules[i]);
	free(rules->rules);
	*rules = (struct rules){ .rules = NULL };
}
