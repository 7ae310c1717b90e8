#ifndef ZR_COMMAND_WORDS_H
#define ZR_COMMAND_WORDS_H

#include <stddef.h>

/*
 * The words of a command string that needs no shell: sh(1) would only split it at
 * blanks, remove quotes and execute its first word as a program.  Such a string is run
 * without one, which saves two processes a step.
 *
 * The first word has a hyphen or a slash, as no builtin, keyword or function of sh(1)
 * has.
 */
struct command_words {
	char *text;			/* owned; the words are parts of it */
	const char **argv;		/* owned; NULL-terminated */
	size_t count;
};

/*
 * Split string, with room in argv for extra more words and their NULL.  1; 0: it needs a
 * shell, and nothing is to be freed; -1 with errno: out of memory.
 */
int	command_words_split(struct command_words *words, const char *string,
	    size_t extra);

void	command_words_free(struct command_words *words);

#endif
