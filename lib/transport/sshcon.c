#include <string.h>

#include "base/io.h"
#include "transport/sshcon.h"

const char sshcon_hello[SSHCON_BANNER_SIZE] = "SSHCON_HELO";
const char sshcon_begin[SSHCON_BANNER_SIZE] = "SSHCON_BEGIN";
const char sshcon_proxy_error[SSHCON_BANNER_SIZE] = "SSHCON_PROXY_ERROR";

int
sshcon_check_server(const char banner[SSHCON_BANNER_SIZE], struct error *error)
{
	if (memcmp(banner, sshcon_proxy_error, SSHCON_BANNER_SIZE) == 0)
		return (error_set(error, EXIT_PROTOCOL, "the server cannot serve "
		    "us (SSHCON_PROXY_ERROR); its log says why"));
	if (memcmp(banner, sshcon_hello, SSHCON_BANNER_SIZE) != 0)
		return (error_set(error, EXIT_PROTOCOL, "not a stdinserver at the "
		    "other end, but something that says \"%.*s\" (does a shell "
		    "start-up file print, or is there no forced command?)",
		    SSHCON_BANNER_SIZE, banner));
	return (0);
}

int
sshcon_check_client(const char banner[SSHCON_BANNER_SIZE], struct error *error)
{
	if (memcmp(banner, sshcon_begin, SSHCON_BANNER_SIZE) != 0)
		return (error_set(error, EXIT_PROTOCOL,
		    "the client answers \"%.*s\", not SSHCON_BEGIN",
		    SSHCON_BANNER_SIZE, banner));
	return (0);
}

int
sshcon_connect(const struct chain *chain, int64_t deadline, struct error *error)
{
	char banner[SSHCON_BANNER_SIZE] = "";
	struct error stranger;

	if (io_read_exactly(chain->read_fd, banner, sizeof(banner), deadline,
	    error) == -1) {
		/* The bytes that came may show who is there. */
		if (banner[0] == '\0' || sshcon_check_server(banner, &stranger) == 0)
			return (error_prefix(error, "waiting for the server's greeting"));
		return (error_set(error, error->code, "%s", stranger.text));
	}
	if (sshcon_check_server(banner, error) == -1)
		return (-1);
	return (io_write_all(chain->write_fd, sshcon_begin, sizeof(sshcon_begin),
	    deadline, error));
}

int
sshcon_accept(const struct chain *chain, int64_t deadline, struct error *error)
{
	char banner[SSHCON_BANNER_SIZE];

	if (io_write_all(chain->write_fd, sshcon_hello, sizeof(sshcon_hello), deadline,
	    error) == -1 ||
	    io_read_exactly(chain->read_fd, banner, sizeof(banner), deadline,
	    error) == -1)
		return (error_prefix(error, "greeting the client"));
	return (sshcon_check_client(banner, error));
}

int
sshcon_refuse(const struct chain *chain, int64_t deadline, struct error *error)
{
	return (io_write_all(chain->write_fd, sshcon_proxy_error,
	    sizeof(sshcon_proxy_error), deadline, error));
}
