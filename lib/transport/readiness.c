#include <signal.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "transport/readiness.h"

static int
notify_systemd(const char *path, struct error *error)
{
	static const char message[] = "READY=1";
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t length = strlen(path);
	int fd, result = 0;

	if ((*path != '/' && *path != '@') || length >= sizeof(to.sun_path))
		return (error_set(error, EXIT_USAGE, "NOTIFY_SOCKET is no socket: "
		    "%s", path));
	memcpy(to.sun_path, path, length);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || sendto(fd, message, strlen(message), MSG_NOSIGNAL,
	    (const struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == -1)
		result = error_errno(error, "NOTIFY_SOCKET %s", path);
	io_close(&fd);
	return (result);
}

int
readiness_tell(int fd, struct error *error)
{
	const char *path = getenv("NOTIFY_SOCKET");
	void (*before)(int);
	int result = 0;

	if (path != NULL)
		result = notify_systemd(path, error);
	unsetenv("NOTIFY_SOCKET");
	if (fd != -1) {
		before = signal(SIGPIPE, SIG_IGN);
		if (io_write(fd, "\n", 1) == -1)
			result = error_errno(error, "readiness on descriptor %d", fd);
		signal(SIGPIPE, before);
		close(fd);
	}
	return (result);
}
