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
#define SEGMENT_MIN 1024		/* bytes that any path takes in one segment */

/* From the network to the child. */
struct incoming {
	bool more;		/* OpenSSL may hold data, or the network has some */
	bool ended;		/* nothing more comes from the network */
	bool told;		/* the child knows that, or it reads no more */
	uint64_t total;
	size_t start, end;	/* of what the child has not taken yet */
	uint8_t bytes[INCOMING_MAX];
};

/* From the child to the network: each state is final but for the ones behind it. */
enum outgoing_state {
	OUTGOING_OPEN,
	OUTGOING_ENDING,	/* the child has nothing more to say */
	OUTGOING_ENDED,		/* and close_notify and FIN are out */
	OUTGOING_BROKEN		/* the network takes nothing more */
};

struct outgoing {
	enum outgoing_state state;
	bool readable;		/* the child has written something, or ended */
	uint64_t total;
	uint8_t bytes[TLS_WRITE_MAX];
};

struct engine {
	struct tls_connection *connection;
	struct chain network;
	int local;
	struct process *child;
	bool child_ended;
	int status;		/* its exit code, then */
	struct incoming in;
	struct outgoing out;
	bool refused;		/* TLS failed; that has been said */
	struct error reason;	/* why it ended, if not with close_notify */
	struct pace flush, linger;	/* for end_deadline(); all zero: not begun */
	int64_t counted;	/* taken() when the pace was last told */
};

static void
break_outgoing(struct engine *engine)
{
	engine->out.state = OUTGOING_BROKEN;
	/* The child's writes must fail now, not fill a buffer. */
	shutdown(engine->local, SHUT_RD);
}

/* The connection is of no more use in either direction. */
static void
give_up(struct engine *engine)
{
	engine->in.ended = true;
	break_outgoing(engine);
}

/* Network to buffer: decrypt all that has come, as far as there is room. */
static void
receive(struct engine *engine)
{
	struct incoming *in = &engine->in;
	struct error error;
	ssize_t got;

	while (in->more && !in->ended && in->end < INCOMING_MAX) {
		got = tls_read(engine->connection, in->bytes + in->end,
		    INCOMING_MAX - in->end, &error);
		if (got > 0) {
			in->end += (size_t)got;
			in->total += (uint64_t)got;
			continue;
		}
		in->more = false;
		if (got == -1 && error.code == EXIT_DONE)
			return;
		in->ended = true;
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
	struct incoming *in = &engine->in;
	ssize_t put;

	if (in->start < in->end && !in->told) {
		put = io_write(engine->local, in->bytes + in->start,
		    in->end - in->start);
		if (put > 0)
			in->start += (size_t)put;
		else if (errno != EAGAIN)
			in->told = true;
	}
	if (in->told || in->start == in->end)
		in->start = in->end = 0;
	if (in->ended && in->end == 0 && !in->told) {
		in->told = true;
		io_half_close(engine->local);
	}
}

/* Child to network: one batch of records at a time. */
static void
send_out(struct engine *engine)
{
	struct outgoing *out = &engine->out;
	struct error error;
	ssize_t got;

	if (out->state == OUTGOING_BROKEN)
		return;
	if (out->readable && tls_unsent(engine->connection) == 0) {
		out->readable = false;
		got = io_read(engine->local, out->bytes, sizeof(out->bytes));
		if (got == 0 || (got == -1 && errno != EAGAIN)) {
			out->state = OUTGOING_ENDING;
			if (tls_write_end(engine->connection, &error) == -1)
				goto broken;
		} else if (got > 0) {
			out->total += (uint64_t)got;
			if (tls_write(engine->connection, out->bytes, (size_t)got,
			    &error) == -1)
				goto broken;
		}
	}
	if (tls_send(engine->connection, &error) == -1)
		goto broken;
	if (out->state == OUTGOING_ENDING && tls_unsent(engine->connection) == 0) {
		out->state = OUTGOING_ENDED;
		io_half_close(engine->network.write_fd);
	}
	return;
broken:
	/* The peer's last bytes are still to be delivered. */
	engine->reason = error;
	break_outgoing(engine);
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
		    (unsigned long long)engine->in.total,
		    (unsigned long long)engine->out.total);
	if (signals_take(SIGCHLD) && process_has_ended(engine->child)) {
		engine->child_ended = true;
		engine->status = process_wait(engine->child);
	}
}

/*
 * Wait until there is something to do; false at the deadline.  It lets signals through
 * even if the network always has more.
 */
static bool
wait_for_work(struct engine *engine, int64_t deadline)
{
	const struct incoming *in = &engine->in;
	const bool room = !in->ended && in->end < INCOMING_MAX;
	struct pollfd entries[3] = {
		{ .fd = engine->network.read_fd },
		{ .fd = engine->network.write_fd },
		{ .fd = engine->local },
	};

	if (room && !in->more)
		entries[0].events = POLLIN;
	if (engine->out.state != OUTGOING_BROKEN &&
	    tls_unsent(engine->connection) > 0)
		entries[1].events = POLLOUT;
	if (engine->out.state == OUTGOING_OPEN &&
	    tls_unsent(engine->connection) == 0)
		entries[2].events |= POLLIN;
	if (!in->told && in->end > 0)
		entries[2].events |= POLLOUT;
	/* POLLHUP comes unasked: leave out descriptors without events. */
	for (size_t i = 0; i < 3; i++)
		if (entries[i].events == 0)
			entries[i].fd = -1;
	io_poll(entries, 3, room && in->more ? 0 : deadline);
	/* OpenSSL may have stopped reading because it had no room to answer. */
	engine->in.more |= entries[0].revents != 0 || entries[1].revents != 0;
	engine->out.readable = engine->out.state == OUTGOING_OPEN &&
	    entries[2].revents != 0;
	return (io_now() < deadline);
}

/* The bytes that the peer has taken, without the records' overhead. */
static int64_t
taken(const struct engine *engine)
{
	return ((int64_t)engine->out.total -
	    (int64_t)tls_unsent(engine->connection) -
	    io_unacknowledged(engine->network.write_fd));
}

static struct pace *
end_pace(struct engine *engine)
{
	return (engine->out.state >= OUTGOING_ENDED ? &engine->linger :
	    &engine->flush);
}

/*
 * When the child has ended, there is a limited time to send its output, and then for the
 * peer to end (tls_engine.h).
 */
static int64_t
end_deadline(struct engine *engine)
{
	struct pace *pace = end_pace(engine);

	if (!engine->child_ended)
		return (IO_FOREVER);
	if (pace->since == 0) {
		pace_start(pace, pace == &engine->linger ? TLS_ENGINE_LINGER_MS :
		    TLS_ENGINE_FLUSH_MS, io_now());
		engine->counted = taken(engine);
	}
	return (pace_deadline(pace));
}

/* At the deadline: has the peer taken enough bytes to get a new one? */
static bool
takes_more(struct engine *engine)
{
	const int64_t before = engine->counted, now = io_now();
	struct pace *pace = end_pace(engine);

	engine->counted = taken(engine);
	if (engine->counted > before)
		pace_moved(pace, (size_t)(engine->counted - before), now);
	return (now < pace_deadline(pace));
}

/*
 * Can we end without the peer's end?  A client can if its program has succeeded and nothing
 * else has that program's socket: nobody awaits an answer.  A server that has sent nothing
 * may still refuse our certificate, which is to be said.  As with close(2) on TCP, bytes
 * that the peer sends later cause a reset, and a reset destroys what the peer has not
 * received yet.  Therefore at most one segment, which has been sent, may be undelivered.
 * Unread bytes cause a reset, too: read them.
 */
static bool
can_leave_peer(struct engine *engine)
{
	int left;

	if (!engine->child_ended || engine->out.state != OUTGOING_ENDED ||
	    engine->status != EXIT_DONE || tls_is_server(engine->connection) ||
	    engine->in.total == 0 || (io_ready(engine->local, 0) & POLLHUP) == 0)
		return (false);
	left = io_unacknowledged(engine->network.write_fd);
	if (left == -1 || left > SEGMENT_MIN)
		return (false);
	(void)io_read(engine->network.read_fd, engine->in.bytes, INCOMING_MAX);
	return (true);
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
	engine->in.more = true;
	for (;;) {
		receive(engine);
		deliver(engine);
		send_out(engine);
		take_signals(engine);
		if (engine->child_ended && engine->out.state >= OUTGOING_ENDED &&
		    engine->in.ended)
			break;
		if (can_leave_peer(engine))
			break;
		if (!wait_for_work(engine, end_deadline(engine)) &&
		    !takes_more(engine))
			break;
	}
	status = engine->status;
	if (engine->refused && status != EXIT_DONE)
		status = EXIT_PROTOCOL;	/* for whatever reason the child failed */
	else if (engine->reason.code != EXIT_DONE && status != EXIT_DONE)
		diag("%s", engine->reason.text);
	freezero(engine, sizeof(*engine));
	return (status);
}
