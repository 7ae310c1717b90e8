#include <unistd.h>

#include "unit.h"
#include "zfs/zfs_host.h"

/* Every shell here that a login shell may be, and how it reads a command of ssh. */
static const char *const shells[][3] = {
	{ "sh", "-c" }, { "bash", "-c" }, { "dash", "-c" }, { "zsh", "-c" },
	{ "ksh93", "-c" }, { "mksh", "-c" }, { "busybox", "sh", "-c" },
	{ "tcsh", "-c" }, { "csh", "-c" }, { "fish", "-c" }
};

#define SHELL_COUNT (sizeof(shells) / sizeof(shells[0]))
#define WORDS_MAX 64

static bool
installed(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s > /dev/null", program);
	return (system(command) == 0);
}

/* What a shell makes of the words, each with a NUL: read back by a program of its own. */
static bool
reads_back(const char *const shell[3], const char *const words[])
{
	struct buffer string = BUFFER_EMPTY(1 << 20);
	struct error error;
	char text[1 << 16], got[1 << 16];
	size_t want = 0, length = 0;
	ssize_t piece;
	int ends[2], result = 0;
	pid_t pid;

	result = buffer_append(&string, "exec printf '%s\\0'", 18);
	for (size_t i = 0; result == 0 && words[i] != NULL; i++) {
		memcpy(text + want, words[i], strlen(words[i]) + 1);
		want += strlen(words[i]) + 1;
		result = buffer_append(&string, " ", 1);
		if (result == 0)
			result = zfs_host_quote(&string, words[i], &error);
	}
	if (result == -1 || pipe(ends) == -1)
		return (false);
	pid = fork();
	if (pid == 0) {
		const char *argv[5] = { shell[0], shell[1], shell[2] };

		argv[shell[2] == NULL ? 2 : 3] = buffer_text(&string);
		dup2(ends[1], STDOUT_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(111);
	}
	close(ends[1]);
	while ((piece = read(ends[0], got + length, sizeof(got) - length)) > 0)
		length += (size_t)piece;
	close(ends[0]);
	if (length != want || memcmp(got, text, want) != 0)
		printf("# %s: %s\n", shell[0], buffer_text(&string));
	buffer_free(&string);
	return (length == want && memcmp(got, text, want) == 0);
}

/* The same for each shell. */
static bool
all_read_back(const char *const words[])
{
	bool all = true;

	for (size_t i = 0; i < SHELL_COUNT; i++)
		if (installed(shells[i][0]))
			all &= reads_back(shells[i], words);
	return (all);
}

static const char nasty[] = "'\"\\!$`();&|<>*?[]{}~#%^= \t@:,+aZ0-_/\xc3\xa9\xff";

/* A random word; a tab is a control character. */
static void
make_word(char word[24])
{
	const size_t length = (size_t)random() % 12;
	size_t at;

	for (at = 0; at < length; at++)
		do
			word[at] = nasty[(size_t)random() % (sizeof(nasty) - 1)];
		while (word[at] == '\t');
	word[at] = '\0';
}

static const char *
quoted(const char *word)
{
	static struct buffer out;
	struct error error;

	buffer_free(&out);
	out = BUFFER_EMPTY(4096);
	return (zfs_host_quote(&out, word, &error) == 0 ? buffer_text(&out) : "-1");
}

static bool
host_valid(const char *host)
{
	struct error error = { .code = EXIT_DONE };
	const int result = zfs_host_set(host, &error);

	return (result == 0 || error.code != EXIT_USAGE);
}

/* Standard error in two pieces; at most max bytes are kept. */
static struct zfs_host_watch
hear(const char *text, size_t split, size_t max, char *words)
{
	struct zfs_host_watch watch = ZFS_HOST_WATCH;
	size_t length = 0;

	zfs_host_hear(&watch, text, split, words, &length, max);
	zfs_host_hear(&watch, text + split, strlen(text) - split, words, &length, max);
	words[length] = '\0';
	return (watch);
}

/* The output that is left, or the error's text. */
static const char *
output(const char *text, size_t length, struct error *error)
{
	static struct buffer buffer;

	buffer_free(&buffer);
	buffer = BUFFER_EMPTY(4096);
	if (buffer_append(&buffer, text, length) == -1)
		return ("no room");
	return (zfs_host_take_output(&buffer, 3, error) == 0 ? buffer_text(&buffer) :
	    error->text);
}

static const char *
judged(int state, int code, int ssh_code, const char *words, const char *printed,
    struct error *error)
{
	const struct zfs_host_watch watch = { .state = state, .exit_code = code };
	struct buffer buffer = BUFFER_EMPTY(4096);
	int result = buffer_append(&buffer, printed, strlen(printed));

	if (result == 0)
		result = zfs_host_judge(&watch, ssh_code, words, &buffer, error);
	buffer_free(&buffer);
	return (result == 0 ? "" : error->text);
}

int
main(void)
{
	struct error error;

	TEST("safe words stay, others are in quotes, ' \\ and ! behind a backslash") {
		CHECK_TEXT(quoted("tank/a@b-1:2,3_.x"), "tank/a@b-1:2,3_.x");
		CHECK_TEXT(quoted(""), "''");
		CHECK_TEXT(quoted("a b"), "'a b'");
		CHECK_TEXT(quoted("it's"), "'it'\\''s'");
		CHECK_TEXT(quoted("!"), "\\!");
		CHECK_TEXT(quoted("\\n"), "\\\\'n'");
		CHECK_TEXT(quoted("user:x=$(a)"), "'user:x=$(a)'");
	}
	TEST("no control character passes") {
		for (int c = 1; c < 256; c++) {
			const char word[4] = { 'a', (char)c, 'b', '\0' };

			CHECK((strcmp(quoted(word), "-1") == 0) ==
			    (c < 32 || c == 127));
		}
	}
	TEST("every shell here reads each character back, alone and in company") {
		char all[256][4];
		const char *words[258];
		size_t count = 0;

		for (const char *other = "\1'\\! $a"; *other != '\0'; other++) {
			count = 0;
			for (int c = 32; c < 256; c++)
				if (c != 127) {
					snprintf(all[count], sizeof(all[count]), "%c%s",
					    c, *other == '\1' ? "" :
					    (const char[2]){ *other, '\0' });
					words[count] = all[count];
					count++;
				}
			words[count] = NULL;
			CHECK(all_read_back(words));
		}
	}
	TEST("every shell here reads 2000 random words back") {
		char all[WORDS_MAX][24];
		const char *words[WORDS_MAX + 1];

		srandom(1);
		for (int i = 0; i < 2000 / WORDS_MAX + 1; i++) {
			for (size_t at = 0; at < WORDS_MAX; at++) {
				make_word(all[at]);
				words[at] = all[at];
			}
			words[WORDS_MAX] = NULL;
			CHECK(all_read_back(words));
		}
	}
	TEST("a host is no option, and nothing for a shell") {
		static const char *const bad[] = { "", "@", "a@", "@b", "-x", "a@-x",
		    "a b", "a\tb", "a\nb", "a;b", "$(a)", "`a`", "a'b", "-a@b", "a|b" };
		static const char *const good[] = { "a", "a.example", "me@a.example",
		    "me@corp@a", "::1", "me@fe80::1%eth0", "ssh://me@a:22" };

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(!host_valid(bad[i]));
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			CHECK(host_valid(good[i]));
	}
	TEST("ssh's command line ends with --, the host and one string") {
		const char *const words[] = { "zfs", "get", "a b", NULL };
		struct zfs_host_command command;
		size_t count = 0;

		zfs_host_set("me@box", &error);
		setenv("ZR_SSH", "my-ssh", 1);
		setenv("ZR_SSH_CONTROL", "/run/%C", 1);
		CHECK(zfs_host_command(&command, words, false, &error) == 0);
		while (command.words[count] != NULL)
			count++;
		CHECK(count < ZFS_HOST_WORDS);
		CHECK_TEXT(command.words[0], "my-ssh");
		CHECK_TEXT(command.words[count - 5], "-S");
		CHECK_TEXT(command.words[count - 4], "/run/%C");
		CHECK_TEXT(command.words[count - 3], "--");
		CHECK_TEXT(command.words[count - 2], "me@box");
		CHECK(strncmp(command.words[count - 1], "exec /bin/sh -c '", 17) == 0);
		CHECK(strstr(command.words[count - 1], " zr zfs get 'a b'") != NULL);
		zfs_host_command_free(&command);
	}
	TEST("a command of at most 128 KiB, with its NUL, is a command") {
		const char *words[] = { "zfs", NULL, NULL };
		struct zfs_host_command command;
		char *name = malloc(ZFS_HOST_STRING_MAX + 1);
		size_t most = 0;

		CHECK(name != NULL);
		for (size_t i = 0; name != NULL && i <= ZFS_HOST_STRING_MAX; i += 1000) {
			memset(name, 'a', i);
			name[i] = '\0';
			words[1] = name;
			if (zfs_host_command(&command, words, true, &error) == 0) {
				CHECK(most == 0 || most == i - 1000);
				most = i;
			} else {
				CHECK(error.code == EXIT_FAILED);
				CHECK(strstr(error.text, "longer") != NULL);
			}
			zfs_host_command_free(&command);
		}
		CHECK(most > (96 << 10) && most < ZFS_HOST_STRING_MAX);
		free(name);
	}
	TEST("zfs's words are those between our lines, wherever they are split") {
		static const char text[] = "Welcome!\nprompt> \nzr-zfs begins zr\n"
		    "cannot open 'a': x\nzr-zfs ends x\nwarning\n\nzr-zfs ends 1\n"
		    "Connection closed.\n";
		char words[512];

		for (size_t split = 0; split < sizeof(text); split++) {
			const struct zfs_host_watch watch = hear(text, split, 511, words);

			CHECK(watch.state == ZFS_HOST_ENDED);
			CHECK(watch.exit_code == 1);
			CHECK_TEXT(watch.user, "zr");
			CHECK_TEXT(words, "cannot open 'a': x\nzr-zfs ends x\nwarning\n");
		}
	}
	TEST("without words, or without a last newline, nothing is left over") {
		char words[64];

		CHECK(hear("\nzr-zfs begins \n\nzr-zfs ends 0\n", 3, 63, words).state ==
		    ZFS_HOST_ENDED);
		CHECK_TEXT(words, "");
		CHECK(hear("\nzr-zfs begins a b\nno\nzr-zfs ends 255\n", 3, 63,
		    words).exit_code == 255);
		CHECK_TEXT(words, "no");
		CHECK_TEXT(hear("\nzr-zfs begins a';b\n", 3, 63, words).user, "");
	}
	TEST("without our lines the words are ssh's or the shell's, or what came in time") {
		char words[64];

		CHECK(hear("no route\n", 3, 63, words).state == ZFS_HOST_SILENT);
		CHECK_TEXT(words, "no route\n");
		CHECK(hear("x\nzr-zfs begins zr\npart", 3, 63, words).state ==
		    ZFS_HOST_BEGUN);
		CHECK_TEXT(words, "part");
		CHECK(hear("zr-zfs ends 0\n", 3, 63, words).state == ZFS_HOST_SILENT);
	}
	TEST("a flood before or between is cut, and our lines are still found") {
		char words[32], text[3000];

		memset(text, 'x', sizeof(text));
		memcpy(text + 1000, "\nzr-zfs begins zr\n", 18);
		memcpy(text + 2960, "\nzr-zfs ends 7\n", 16);
		for (size_t split = 0; split < 2960; split += 7) {
			const struct zfs_host_watch watch = hear(text, split, 20, words);

			CHECK(watch.state == ZFS_HOST_ENDED && watch.exit_code == 7);
			CHECK_TEXT(words, "xxxxxxxxxxxxxxxxxxxx");
		}
	}
	TEST("of the output, nothing but the whole is taken") {
		static const char text[] = "zr-zfs begins zr\na\tb\n\nzr-zfs ends 3\n";

		CHECK_TEXT(output(text, strlen(text), &error), "a\tb\n");
		for (size_t length = 0; length < strlen(text); length++) {
			output(text, length, &error);
			CHECK(error.code == (length < 17 && length > 0 ? EXIT_FAILED :
			    EXIT_SSH));
		}
		CHECK_TEXT(output("zr-zfs begins \n\nzr-zfs ends 3\n", 30, &error), "");
		output("zr-zfs begins \n\nzr-zfs ends 0\n", 30, &error);
		CHECK(error.code == EXIT_SSH);
	}
	TEST("what a login shell prints is an error that shows it") {
		CHECK_TEXT(output("Hi there\nzr-zfs begins \n\nzr-zfs ends 3\n", 39, &error),
		    "the login shell of me@box prints \"Hi there\" where there is no "
		    "terminal: its start-up files must be silent then");
		CHECK(error.code == EXIT_FAILED);
		CHECK(strstr(output("Hizr-zfs begins \n\nzr-zfs ends 3\n", 32, &error),
		    "prints \"Hi\"") != NULL);
	}
	TEST("how ssh ends is judged by our lines, and by its status if they are missing") {
		CHECK_TEXT(judged(ZFS_HOST_ENDED, 1, 1, "no", "", &error), "");
		CHECK_TEXT(judged(ZFS_HOST_ENDED, 255, 255, "no", "", &error), "");
		CHECK_TEXT(judged(ZFS_HOST_ENDED, 1, 255, "a\nclosed\n", "", &error),
		    "the ssh connection to me@box was lost: closed");
		CHECK(error.code == EXIT_SSH);
		CHECK_TEXT(judged(ZFS_HOST_BEGUN, 0, 0, "", "", &error),
		    "the ssh connection to me@box was lost");
		CHECK(error.code == EXIT_SSH);
		CHECK_TEXT(judged(ZFS_HOST_SILENT, 0, 255, "banner\n\nrefused\r\n", "",
		    &error), "no ssh connection to me@box: refused");
		CHECK(error.code == EXIT_SSH);
		CHECK_TEXT(judged(ZFS_HOST_SILENT, 0, 128 + 9, "", "", &error),
		    "no ssh connection to me@box");
		CHECK(error.code == EXIT_SSH);
		CHECK_TEXT(judged(ZFS_HOST_SILENT, 0, 1, "", "not available\n", &error),
		    "the login shell of me@box did not run /bin/sh, and ended with "
		    "status 1: not available");
		CHECK(error.code == EXIT_FAILED);
		CHECK(strstr(judged(ZFS_HOST_ENDED, 127, 127, "", "", &error),
		    "me@box has no zfs in PATH") != NULL);
		CHECK(error.code == EXIT_NOT_FOUND);
		CHECK_TEXT(judged(ZFS_HOST_ENDED, 126, 126, "sh: denied\n", "", &error),
		    "me@box cannot execute zfs: sh: denied");
		CHECK(error.code == EXIT_CANNOT_EXEC);
	}
	return (unit_end());
}
