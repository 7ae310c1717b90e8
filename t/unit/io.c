/*
 * io_poll() where there are more entries than RLIMIT_NOFILE, which poll(2)
 * refuses; and looking without waiting.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/signals.h"
#include "unit.h"

#define LIMIT 16

/* What a child with that many entries in use, more than it may have, exits with. */
static int
poll_too_many(int fd)
{
	struct pollfd entries[LIMIT + 1];
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < LIMIT + 1; i++)
			entries[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
		_exit(io_poll(entries, LIMIT + 1, io_now()) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int
main(void)
{
	struct rlimit limit = { .rlim_cur = LIMIT, .rlim_max = LIMIT };
	struct pollfd entries[2 * LIMIT];
	int quiet[2], ready[2];
	int64_t before;

	if (pipe(quiet) == -1 || pipe(ready) == -1 || write(ready[1], "x", 1) != 1 ||
	    setrlimit(RLIMIT_NOFILE, &limit) == -1)
		return (1);
	for (size_t i = 0; i < 2 * LIMIT; i++)
		entries[i] = (struct pollfd){ .fd = -1, .events = POLLIN,
		    .revents = POLLNVAL };
	entries[LIMIT - 1].fd = quiet[0];

	TEST("unused entries do not count: it sleeps to the deadline") {
		before = io_now();
		CHECK(io_poll(entries, 2 * LIMIT, before + 200) == 0);
		CHECK(io_now() >= before + 200);
		for (size_t i = 0; i < 2 * LIMIT; i++)
			CHECK(entries[i].revents == 0);
	}
	TEST("the events go to the entries that they belong to") {
		entries[LIMIT + 1].fd = ready[0];
		CHECK(io_poll(entries, 2 * LIMIT, IO_FOREVER) == 1);
		for (size_t i = 0; i < 2 * LIMIT; i++)
			CHECK(entries[i].revents == (i == LIMIT + 1 ? POLLIN : 0));
	}
	TEST("too many entries in use end the program") {
		CHECK(poll_too_many(quiet[0]) == EXIT_SYSTEM);
	}
	TEST("a look at a descriptor leaves a signal to the next wait") {
		signals_catch(SIGUSR1);
		raise(SIGUSR1);
		CHECK(io_ready(quiet[0], POLLIN) == 0);
		CHECK(io_ready(ready[0], POLLIN) == POLLIN);
		CHECK(io_ready(-1, POLLIN) == 0);
		CHECK(!signals_take(SIGUSR1));
		entries[LIMIT + 1].fd = -1;
		CHECK(io_poll(entries, 2 * LIMIT, IO_FOREVER) == 0);
		CHECK(signals_take(SIGUSR1));
		close(ready[1]);
		CHECK(io_ready(ready[0], 0) == POLLHUP);
	}
	return (unit_end());
}
