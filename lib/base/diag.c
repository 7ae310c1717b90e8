#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/number.h"
#include "base/program.h"
#include "base/quote.h"

#define LINE_MAX_BYTES 8192

static const char *program_name = "zr";
static bool without_arguments;
static char prefix[512] = "zr: ";
static bool use_syslog;
static void (*before_line)(void);
static int fixed_code = -1;	/* -1: the error's own */

static void
emit(const char *text, size_t length)
{
	char line[LINE_MAX_BYTES];
	size_t used;
	int saved = errno;

	used = strlcpy(line, prefix, sizeof(line) - 1);
	used += quote_line(line + used, sizeof(line) - 1 - used, text, length);
	if (use_syslog)
		syslog(LOG_NOTICE, "%s", line);
	else {
		if (before_line != NULL)
			before_line();
		line[used++] = '\n';
		while (write(STDERR_FILENO, line, used) == -1 && errno == EINTR)
			;
	}
	errno = saved;
}

static void
forget_hook(void)
{
	before_line = NULL;
}

void
diag_before_line(void (*hook)(void))
{
	before_line = hook;
	program_at_exec(forget_hook);
}

void
diag_refresh(void)
{
	const char *protocol = getenv("PROTO"), *address = NULL;
	const char *identity = getenv("ZR_CLIENT_IDENTITY");
	char name[64], inside[400] = "";
	size_t used = 0;

	if (protocol != NULL && strlen(protocol) < 32) {
		snprintf(name, sizeof(name), "%sREMOTEIP", protocol);
		address = getenv(name);
	}
	if (address == NULL)
		address = getenv("TCPREMOTEIP");
	if (address != NULL)
		used = quote_line(inside, 100, address, strlen(address));
	if (identity != NULL) {
		if (used > 0)
			inside[used++] = ' ';
		quote_line(inside + used, sizeof(inside) - used, identity,
		    strlen(identity));
	}
	if (inside[0] == '\0')
		snprintf(prefix, sizeof(prefix), "%s: ", program_name);
	else
		snprintf(prefix, sizeof(prefix), "%s[%s]: ", program_name, inside);
}

/* open(2) takes the lowest free descriptor. */
static void
open_missing(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			(void)open("/dev/null", modes[fd]);
}

void
diag_init(const char *program)
{
	struct stat error, other;
	int fd;

	program_name = program;
	use_syslog = false;
	open_missing();
	if (fstat(STDERR_FILENO, &error) == 0 && S_ISSOCK(error.st_mode)) {
		for (fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
			if (fstat(fd, &other) == 0 && S_ISSOCK(other.st_mode) &&
			    other.st_dev == error.st_dev &&
			    other.st_ino == error.st_ino)
				use_syslog = true;
	}
	if (use_syslog)
		openlog("zr", LOG_PID, LOG_DAEMON);
	diag_refresh();
}

static void
emit_formatted(int saved_errno, const char *format, va_list arguments)
{
	char text[LINE_MAX_BYTES];
	int length;

	length = vsnprintf(text, sizeof(text), format, arguments);
	if (length < 0)
		length = 0;
	if ((size_t)length >= sizeof(text))
		length = sizeof(text) - 1;
	if (saved_errno != 0) {
		snprintf(text + length, sizeof(text) - (size_t)length, ": %s",
		    strerror(saved_errno));
		length = (int)strlen(text);
	}
	emit(text, (size_t)length);
}

void
diag(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	emit_formatted(0, format, arguments);
	va_end(arguments);
}

void
diag_errno(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	emit_formatted(errno, format, arguments);
	va_end(arguments);
}

void
diag_lines(const char *text, size_t length)
{
	const char *end = text + length, *newline;
	const size_t ours = strlen(prefix);

	while (text < end) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL)
			newline = end;
		if ((size_t)(newline - text) > ours &&
		    memcmp(text, prefix, ours) == 0)
			text += ours;
		if (newline > text)
			emit(text, (size_t)(newline - text));
		text = newline + 1;
	}
}

void
diag_error(const struct error *error)
{
	emit(error->text, strlen(error->text));
	if (error->hint[0] != '\0')
		diag(DIAG_HINT "%s", error->hint);
}

void
print_or_die(struct buffer *out)
{
	struct error error;

	if (io_print(out, &error) == -1)
		diag_die(&error);
}

void
diag_fix_exit_code(int code)
{
	fixed_code = code;
}

static void __attribute__((noreturn))
end_with(enum exit_code code)
{
	exit(fixed_code == -1 ? (int)code : fixed_code);
}

void
diag_die(const struct error *error)
{
	diag_error(error);
	end_with(error->code);
}

void
die(enum exit_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	emit_formatted(0, format, arguments);
	va_end(arguments);
	end_with(code);
}

void
die_errno(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	emit_formatted(errno, format, arguments);
	va_end(arguments);
	end_with(EXIT_SYSTEM);
}

static void
print_usage(FILE *stream, const char *usage)
{
	const char *start = "usage: ";
	int length;

	for (; *usage != '\0'; usage += length + (usage[length] == '\n')) {
		length = (int)strcspn(usage, "\n");
		fprintf(stream, "%s%.*s\n", start, length, usage);
		start = "       ";
	}
}

void
usage_die(const char *usage)
{
	print_usage(stderr, usage);
	end_with(EXIT_USAGE);
}

static void __attribute__((noreturn))
end_well(void)
{
	if (fflush(stdout) != 0)
		die_errno("standard output");
	exit(EXIT_DONE);
}

void
usage_help(const char *usage)
{
	print_usage(stdout, usage);
	printf("See %s(1).\n", program_name);
	end_well();
}

void
usage_begin(const char *program, const char *usage, int argc, char *argv[])
{
	diag_init(program);
	without_arguments = argc < 2;
	if (argc != 2)
		return;
	if (strcmp(argv[1], "--help") == 0)
		usage_help(usage);
	if (strcmp(argv[1], "--version") == 0) {
		printf("%s (zr) " ZR_VERSION "\n", program);
		end_well();
	}
}

int
usage_getopt(const char *usage, int argc, char *argv[], const char *options)
{
	const int option = getopt(argc, argv, options);

	if (option == 'h')
		usage_help(usage);
	if (option == '?')
		usage_die(usage);
	return (option);
}

size_t
usage_word(const char *usage, const char *word, const char *const words[])
{
	char wanted[128] = "";

	if (word == NULL && without_arguments)
		usage_die(usage);
	for (size_t i = 0; words[i] != NULL; i++) {
		if (word != NULL && strcmp(word, words[i]) == 0)
			return (i);
		if (i > 0)
			strlcat(wanted, words[i + 1] != NULL ? ", " : " or ",
			    sizeof(wanted));
		strlcat(wanted, words[i], sizeof(wanted));
	}
	if (word == NULL)
		die(EXIT_USAGE, "%s is missing after the options", wanted);
	die(EXIT_USAGE, "%s stands where %s is expected", word, wanted);
}

void
usage_operand(const char *what, const char *word)
{
	if (*word == '-')
		die(EXIT_USAGE, "%s stands where %s is expected, which does not "
		    "begin with \"-\": options come first", word, what);
}

int64_t
usage_number(int option, const char *what, const char *text, int64_t least,
    int64_t most)
{
	uint64_t number;

	if (!number_parse(&number, text, 10, (uint64_t)least, (uint64_t)most))
		die(EXIT_USAGE, "-%c wants %s, %" PRId64 " to %" PRId64
		    ", not %s", option, what, least, most, text);
	return ((int64_t)number);
}
