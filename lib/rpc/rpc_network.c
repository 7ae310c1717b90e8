#include <errno.h>
#include <fcntl.h>

#include "base/io.h"
#include "rpc/rpc_network.h"

#define ACKNOWLEDGED_MS 20	/* no event tells us: look again after this */

int
rpc_network_open(struct rpc_network *network, const struct chain *chain,
    struct error *error)
{
	const int flags = fcntl(chain->read_fd, F_GETFL);

	*network = (struct rpc_network){ .chain = *chain,
	    .was_blocking = (flags & O_NONBLOCK) == 0 };
	if (io_set_nonblocking(chain->read_fd, true) == -1 ||
	    io_set_nonblocking(chain->write_fd, true) == -1)
		return (error_errno(error, "connection"));
	return (0);
}

void
rpc_network_poll(const struct rpc_network *network,
    struct rpc_connection *connection, struct pollfd entries[RPC_NETWORK_ENTRIES])
{
	size_t waiting;

	rpc_connection_output(connection, &waiting);
	entries[0] = (struct pollfd){ .events = POLLIN,
	    .fd = network->unread ? -1 : network->chain.read_fd };
	entries[1] = (struct pollfd){ .events = POLLOUT,
	    .fd = waiting > 0 ? network->chain.write_fd : -1 };
}

ssize_t
rpc_network_read(struct rpc_network *network,
    const struct pollfd entries[RPC_NETWORK_ENTRIES], void *bytes, size_t size,
    struct error *error)
{
	ssize_t got;

	if (entries[0].revents == 0)
		return (0);
	got = io_read(network->chain.read_fd, bytes, size);
	if (got > 0 || (got == -1 && errno == EAGAIN))
		return (got > 0 ? got : 0);
	/* A reset ends a connection like a FIN: zrepl 0.6 ends with a reset. */
	if (got == 0 || errno == ECONNRESET || errno == ECONNABORTED) {
		network->unread = true;
		return (error_set(error, EXIT_PROTOCOL,
		    "the peer closed the connection%s",
		    io_end_remark(network->chain.read_fd)));
	}
	return (error_errno(error, "connection"));
}

int
rpc_network_write(struct rpc_network *network,
    struct rpc_connection *connection, int64_t now, struct error *error)
{
	const uint8_t *bytes;
	size_t length;
	ssize_t put;

	for (;;) {
		bytes = rpc_connection_output(connection, &length);
		if (length == 0)
			return (0);
		put = io_write(network->chain.write_fd, bytes, length);
		if (put == -1 && errno == EAGAIN)
			return (0);
		/* The peer's last words are still to be read. */
		if (put == -1 && (errno == EPIPE || errno == ECONNRESET) &&
		    !network->unread) {
			rpc_connection_wrote(connection, length, now);
			return (0);
		}
		if (put == -1)
			return (error_errno(error, "connection"));
		rpc_connection_wrote(connection, (size_t)put, now);
	}
}

void
rpc_network_close(struct rpc_network *network,
    struct rpc_connection *connection, int64_t patience_ms)
{
	struct chain *chain = &network->chain;
	struct pollfd entries[RPC_NETWORK_ENTRIES];
	struct error error;
	int64_t now = io_now();

	pace_start(&connection->pace, patience_ms, now);
	while (now < pace_deadline(&connection->pace) &&
	    rpc_network_write(network, connection, now, &error) == 0) {
		rpc_network_poll(network, connection, entries);
		entries[0].fd = -1;
		if (entries[1].fd == -1)
			break;
		io_poll(entries, RPC_NETWORK_ENTRIES,
		    pace_deadline(&connection->pace));
		now = io_now();
	}
	io_half_close(chain->write_fd);
	if (network->was_blocking) {
		io_set_nonblocking(chain->read_fd, false);
		io_set_nonblocking(chain->write_fd, false);
	}
	if (chain->write_fd != chain->read_fd)	/* a pipe, perhaps */
		io_close(&chain->write_fd);
}

void
rpc_network_drain(struct rpc_network *network, int64_t patience_ms)
{
	static uint8_t bytes[32 << 10];
	const int fd = network->chain.read_fd;
	int left = io_unacknowledged(fd), before = left;
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	struct pace pace;

	pace_start(&pace, patience_ms, io_now());
	while (!network->unread && left > 0 && io_now() < pace_deadline(&pace)) {
		if (io_poll(&entry, 1, io_now() + ACKNOWLEDGED_MS) == 1)
			network->unread = io_read(fd, bytes, sizeof(bytes)) <= 0;
		left = io_unacknowledged(fd);
		if (left < before)
			pace_moved(&pace, (size_t)(before - left), io_now());
		before = left;
	}
}
