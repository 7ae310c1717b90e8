/*
 * zr-dump: what the recorded bytes of a connection say.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "dump/dump.h"

static const char usage[] = "zr-dump [-r] [-m METHOD] [FILE [FILE]]";

#define CHUNK (64u << 10)

/* Show the output so far, so that a connection can be watched. */
static void
show(void)
{
	if (fflush(stdout) == EOF)
		die_errno("standard output");
}

/* One direction, from its first byte to the end; the exit code. */
static int
dump_file(const char *name, enum dump_side side,
    struct dump_connection *connection)
{
	static uint8_t chunk[CHUNK];
	const int fd = name == NULL ? STDIN_FILENO :
	    open(name, O_RDONLY | O_CLOEXEC);
	struct error error;
	struct dump dump;
	ssize_t got = 0;
	int result;

	if (fd == -1)
		die_errno("%s", name);
	result = dump_init(&dump, side, connection, stdout, &error);
	while (result == 0 && (got = io_read(fd, chunk, sizeof(chunk))) > 0) {
		result = dump_feed(&dump, chunk, (size_t)got, &error);
		show();
	}
	if (got == -1)
		die_errno("%s", name == NULL ? "standard input" : name);
	if (result == 0)
		result = dump_end(&dump, &error);
	show();
	if (result == -1)
		diag("%s%sat offset %llu: %s", name == NULL ? "" : name,
		    name == NULL ? "" : ": ", (unsigned long long)dump.begin,
		    error.text);
	dump_free(&dump);
	if (name != NULL)
		close(fd);
	return (result == 0 ? EXIT_DONE : (int)error.code);
}

int
main(int argc, char *argv[])
{
	struct dump_connection connection = { .method = NULL };
	enum dump_side side = DUMP_CLIENT;
	char names[METHOD_NAMES_SIZE];
	int option, code, server;

	usage_begin("zr-dump", usage, argc, argv);
	while ((option = usage_getopt(usage, argc, argv, "+hm:r")) != -1)
		switch (option) {
		case 'm':
			connection.method = method_by_name(optarg);
			if (connection.method == NULL)
				die(EXIT_USAGE, "%s: no such method (%s)", optarg,
				    method_names(~0u, names));
			break;
		case 'r':
			side = DUMP_SERVER;
			break;
		}
	argc -= optind;
	argv += optind;
	if (argc > 2 || (argc == 2 && side == DUMP_SERVER))
		usage_die(usage);
	if (connection.method != NULL && side == DUMP_CLIENT)
		die(EXIT_USAGE, "-m is for -r: the client's bytes name the method");
	code = dump_file(argc > 0 ? argv[0] : NULL, side, &connection);
	if (argc == 2) {
		server = dump_file(argv[1], DUMP_SERVER, &connection);
		code = code == EXIT_DONE ? server : code;
	}
	dump_connection_free(&connection);
	return (code);
}
