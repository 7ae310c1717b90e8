#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/pace.h"
#include "base/signals.h"
#include "tls/tls_engine.h"

#define INCOMING_MAX (128u << 10)	/* decrypted, for the child */

struct engine {
	struct tls_connection *connection;
	struct chain network;
	int local;
	struct process *child;
	bool child_ended;
	bool incoming_ended;	/* nothing more comes from the network */
	bool incoming_told;	/* and the child knows */
	bool outgoing_ended;	/* the child has nothing more to say */
	bool outgoing_told;	/* and close_notify and FIN are out */
	bool broken;		/* the network takes nothing more */
	bool more;		/* OpenSSL may hold data, or the network has some */
	bool readable;		/* the child has written something, or ended */
	bool refused;		/* TLS failed; that has been said */
	struct error reason;	/* why it ended, if not with close_notify */
	uint64_t received, sent;
	struct pace pace;	/* of end_deadline(); all zero: not yet */
	bool pace_told;		/* what outgoing_told was at its start */
	int64_t counted;	/* what of taken() it has been told */
	size_t incoming_start, incoming_end;
	uint8_t incoming[INCOMING_MAX];
	uint8_t outgoing[TLS_WRITE_MAX];
};

/* The connection is of no more use in either direction. */
static void
give_up(struct engine *engine)
{
	engine->broken = true;
	engine->incoming_ended = true;
	engine->outgoing_ended = engine->outgoing_told = true;
	/* The child's writes must fail now, not fill a buffer. */
	shutdown(engine->local, SHUT_RD);
}

/* Network to buffer: decrypt all that has come, as far as there is room. */
static void
receive(struct engine *engine)
{
	struct error error;
	ssize_t got;

	while (engine->more && !engine->incoming_ended &&
	    engine->incoming_end < INCOMING_MAX) {
		got = tls_read(engine->connection,
		    engine->incoming + engine->incoming_end,
		    INCOMING_MAX - engine->incoming_end, &error);
		if (got > 0) {
			engine->incoming_end += (size_t)got;
			engine->received += (uint64_t)got;
			continue;
		}
		engine->more = false;
		if (got == -1 && error.code == EXIT_DONE)
			return;
		engine->incoming_ended = true;
		if (got == -1) {
			engine->reason = error;
			if (error.code == EXIT_PROTOCOL) {
				diag("%s", error.text);
				engine->refused = true;
			}
			give_up(engine);
		} else if (!tls_ended_cleanly(engine->connection))
			error_set(&engine->reason, EXIT_PROTOCOL, "the connection "
			    "ended without close_notify: cut off on the way?");
	}
}

/* Buffer to child. */
static void
deliver(struct engine *engine)
{
	size_t waiting = engine->incoming_end - engine->incoming_start;
	ssize_t put;

	if (waiting > 0 && !engine->incoming_told) {
		put = io_write(engine->local, engine->incoming +
		    engine->incoming_start, waiting);
		if (put > 0)
			engine->incoming_start += (size_t)put;
		else if (errno != EAGAIN)
			engine->incoming_told = true;	/* it reads no more */
	}
	if (engine->incoming_told || engine->incoming_start == engine->incoming_end)
		engine->incoming_start = engine->incoming_end = 0;
	if (engine->incoming_ended && engine->incoming_end == 0 &&
	    !engine->incoming_told) {
		engine->incoming_told = true;
		io_half_close(engine->local);
	}
}

/* Child to network: one batch of records at a time. */
static void
send_out(struct engine *engine)
{
	struct error error;
	ssize_t got;

	if (engine->broken)
		return;
	if (engine->readable && tls_unsent(engine->connection) == 0) {
		engine->readable = false;
		got = io_read(engine->local, engine->outgoing,
		    sizeof(engine->outgoing));
		if (got == 0 || (got == -1 && errno != EAGAIN)) {
			engine->outgoing_ended = true;
			if (tls_write_end(engine->connection, &error) == -1)
				goto broken;
		} else if (got > 0) {
			engine->sent += (uint64_t)got;
			if (tls_write(engine->connection, engine->outgoing,
			    (size_t)got, &error) == -1)
				goto broken;
		}
	}
	if (tls_send(engine->connection, &error) == -1)
		goto broken;
	if (engine->outgoing_ended && !engine->outgoing_told &&
	    tls_unsent(engine->connection) == 0) {
		engine->outgoing_told = true;
		io_half_close(engine->network.write_fd);
	}
	return;
broken:
	/* What has come before the peer went away is still good. */
	engine->reason = error;
	engine->broken = engine->outgoing_ended = engine->outgoing_told = true;
	shutdown(engine->local, SHUT_RD);
}

static void
take_signals(struct engine *engine)
{
	static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		if (signals_take(passed_on[i]))
			process_signal(engine->child, passed_on[i]);
	if (signals_take(SIGUSR1))
		diag("%llu bytes received, %llu sent",
		    (unsigned long long)engine->received,
		    (unsigned long long)engine->sent);
	if (signals_take(SIGCHLD) && process_has_ended(engine->child))
		engine->child_ended = true;
}

/*
 * Wait until there is something to do; false once it is too late for it.  A
 * network that always has more is no reason to hear no signal.
 */
static bool
wait_for_work(struct engine *engine, int64_t deadline)
{
	const bool room = !engine->incoming_ended &&
	    engine->incoming_end < INCOMING_MAX;
	struct pollfd entries[3] = {
		{ .fd = engine->network.read_fd },
		{ .fd = engine->network.write_fd },
		{ .fd = engine->local },
	};

	if (room && !engine->more)
		entries[0].events = POLLIN;
	if (!engine->broken && tls_unsent(engine->connection) > 0)
		entries[1].events = POLLOUT;
	if (!engine->outgoing_ended && tls_unsent(engine->connection) == 0)
		entries[2].events |= POLLIN;
	if (!engine->incoming_told && engine->incoming_end > 0)
		entries[2].events |= POLLOUT;
	/* POLLHUP comes unasked: leave out what nobody waits for. */
	for (size_t i = 0; i < 3; i++)
		if (entries[i].events == 0)
			entries[i].fd = -1;
	io_poll(entries, 3, room && engine->more ? 0 : deadline);
	/* OpenSSL may have stopped reading for want of room to answer. */
	engine->more |= entries[0].revents != 0 || entries[1].revents != 0;
	engine->readable = !engine->outgoing_ended && entries[2].revents != 0;
	return (io_now() < deadline);
}

/* Bytes that the peer has taken, but for what records add. */
static int64_t
taken(const struct engine *engine)
{
	return ((int64_t)engine->sent - (int64_t)tls_unsent(engine->connection) -
	    io_unacknowledged(engine->network.write_fd));
}

/*
 * When the child has ended, what it wrote has a limited time to get out, and
 * so has the peer's end to come: a close(2) before that could take back, by
 * a reset, what the peer has not read yet.
 */
static int64_t
end_deadline(struct engine *engine)
{
	if (!engine->child_ended)
		return (IO_FOREVER);
	if (engine->pace.since == 0 || engine->outgoing_told != engine->pace_told) {
		pace_start(&engine->pace, engine->outgoing_told ?
		    TLS_ENGINE_LINGER_MS : TLS_ENGINE_FLUSH_MS, io_now());
		engine->pace_told = engine->outgoing_told;
		engine->counted = taken(engine);
	}
	return (pace_deadline(&engine->pace));
}

/* The deadline has come: is there to be another one, since the peer took enough? */
static bool
takes_more(struct engine *engine)
{
	const int64_t before = engine->counted, now = io_now();

	engine->counted = taken(engine);
	if (engine->counted > before)
		pace_moved(&engine->pace, (size_t)(engine->counted - before), now);
	return (now < pace_deadline(&engine->pace));
}

int
tls_engine_run(struct tls_connection *connection, const struct chain *network,
    int local, struct process *child)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int status;

	if (engine == NULL)
		die_errno("TLS engine");
	engine->connection = connection;
	engine->network = *network;
	engine->local = local;
	engine->child = child;
	engine->more = true;
	for (;;) {
		receive(engine);
		deliver(engine);
		send_out(engine);
		take_signals(engine);
		if (engine->child_ended && engine->outgoing_told &&
		    engine->incoming_ended)
			break;
		if (!wait_for_work(engine, end_deadline(engine)) &&
		    !takes_more(engine))
			break;
	}
	status = process_wait(child);
	if (engine->refused && status != EXIT_DONE)
		status = EXIT_PROTOCOL;	/* whatever the child made of it */
	else if (engine->reason.code != EXIT_DONE && status != EXIT_DONE)
		diag("%s", engine->reason.text);
	freezero(engine, sizeof(*engine));
	return (status);
}
