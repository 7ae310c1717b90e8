#include <stdbool.h>

#include "step/command_words.h"
#include "unit.h"

/* What sh makes of the string: its words, one in each line. */
static bool
shell_words(const char *string, char *lines, size_t size)
{
	char command[512];
	FILE *shell;
	size_t length;

	snprintf(command, sizeof(command), "printf '%%s\n' %s", string);
	shell = popen(command, "r");
	if (shell == NULL)
		return (false);
	length = fread(lines, 1, size - 1, shell);
	lines[length] = '\0';
	return (pclose(shell) == 0);
}

/* 1: split as the shell does; 0: it needs a shell; -1: split otherwise. */
static int
split(const char *string)
{
	struct command_words words;
	char ours[512] = "", theirs[512];

	if (command_words_split(&words, string, 0) != 1)
		return (0);
	for (size_t i = 0; i < words.count; i++) {
		strlcat(ours, words.argv[i], sizeof(ours));
		strlcat(ours, "\n", sizeof(ours));
	}
	command_words_free(&words);
	return (shell_words(string, theirs, sizeof(theirs)) &&
	    strcmp(ours, theirs) == 0 ? 1 : -1);
}

int
main(void)
{
	TEST("words and quotes are those of the shell") {
		CHECK(split("zr-endpoint archive /backup") == 1);
		CHECK(split("  ./x\ta  'b c'  ") == 1);
		CHECK(split("zr-endpoint sender -j job -f 'tank<' -f '!tank/a b'") == 1);
		CHECK(split("zr-x ''a\"b c\"'d'e \"it's\" '' \"\"") == 1);
		CHECK(split("zr-x '$HOME `ls` \\ \" *' \"*?[a]~\"") == 1);
		CHECK(split("/bin/x a=b c:d,e @f%g+h") == 1);
		CHECK(split("'zr-x' a") == 1);
	}
	TEST("what the shell would do more than split needs the shell") {
		static const char *const strings[] = { "", "  ", "cd", "cd /tmp", "exec zr-x",
		    "archive a", "A-B=c zr-x", "A=b zr-x", "zr-x; zr-y", "zr-x|zr-y", "zr-x &",
		    "zr-x $HOME", "zr-x \"$HOME\"", "zr-x `ls`", "zr-x \\a", "zr-x \"\\a\"",
		    "zr-x *", "zr-x a?", "zr-x [a]", "zr-x ~", "zr-x #a", "zr-x {a,b}",
		    "zr-x <a", "zr-x >a", "zr-x (a)", "zr-x\nzr-y", "zr-x !", "zr-x 'a", "zr-x \"a",
		    "zr-x a\"b'", "zr-x \x80" };

		for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
			CHECK(split(strings[i]) == 0);
	}
	TEST("2000 random strings: no other words than those of the shell") {
		static const char characters[] = "ab-/= \t'\"'\"  $\\*~#%:;";
		size_t plain = 0;

		srandom(1);
		for (int i = 0; i < 2000; i++) {
			char string[24] = "zr-x ";
			const size_t length = 5 + (size_t)random() % 12;
			int result;

			for (size_t at = 5; at < length; at++)
				string[at] = characters[(size_t)random() %
				    (sizeof(characters) - 1)];
			result = split(string);
			CHECK(result != -1);
			plain += result == 1;
		}
		CHECK(plain > 200);
	}
	return (unit_end());
}
