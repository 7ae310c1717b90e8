#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "step/command_words.h"

#define PLAIN \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-"

/*
 * Copy the characters of one word to *out.  Returns where it ends in the string; NULL: it
 * is not plain.
 */
static const char *
copy_word(char **out, const char *at)
{
	size_t length;

	while (*at != '\0' && *at != ' ' && *at != '\t') {
		const char quote = *at == '\'' || *at == '"' ? *at : '\0';

		if (quote == '\'')
			length = strcspn(++at, "'");
		else if (quote == '"')
			length = strcspn(++at, "\"$`\\");
		else
			length = strspn(at, PLAIN);
		if (quote == '\0' ? length == 0 : at[length] != quote)
			return (NULL);
		memcpy(*out, at, length);
		*out += length;
		at += length + (quote != '\0');
	}
	*(*out)++ = '\0';
	return (at);
}

/* Not a builtin, and not an assignment. */
static bool
is_program(const char *word)
{
	return (strpbrk(word, "-/") != NULL && strchr(word, '=') == NULL);
}

static bool
split(struct command_words *words, const char *string)
{
	char *out = words->text;

	for (;;) {
		string += strspn(string, " \t");
		if (*string == '\0')
			break;
		words->argv[words->count++] = out;
		string = copy_word(&out, string);
		if (string == NULL)
			return (false);
	}
	words->argv[words->count] = NULL;
	return (words->count > 0 && is_program(words->argv[0]));
}

int
command_words_split(struct command_words *words, const char *string, size_t extra)
{
	const size_t length = strlen(string);

	*words = (struct command_words){
	    /* No more words than every other character, and a NUL for each. */
	    .text = malloc(length + 2),
	    .argv = calloc(length / 2 + 2 + extra, sizeof(*words->argv)) };
	if (words->text == NULL || words->argv == NULL) {
		command_words_free(words);
		return (-1);
	}
	if (split(words, string))
		return (1);
	command_words_free(words);
	return (0);
}

void
command_words_free(struct command_words *words)
{
	free(words->text);
	free(words->argv);
	*words = (struct command_words){ .text = NULL };
}
