/*
 * The client's and the server's session of a control connection, face to face
 * in memory, with a clock that we turn: keepalive, GOAWAY and deadlines of
 * minutes in no time.
 */
#include "rpc/rpc_client.h"
#include "rpc/rpc_server.h"
#include "unit.h"

#define FRAME_HEAD 9

/* What went over a direction, and what we let through of it. */
struct wire {
	unsigned pings, goaways, goaway_code;
	uint32_t goaway_last;
	char goaway_text[64];
	int64_t pinged;			/* the last PING */
	int64_t closest;		/* two PINGs that came one after the other */
	bool cut;			/* nothing arrives */
	bool no_pings, no_ping_acks, no_windows, no_data;	/* these do not */
};

struct pair {
	struct rpc_client client;
	struct rpc_server server;
	struct wire up, down;		/* to the server, to the client */
	int64_t now;
	int client_result, server_result;
	struct error client_error, server_error;
};

static void
open_pair(struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	pair->up.closest = pair->down.closest = INT64_MAX;
	pair->up.pinged = pair->down.pinged = INT64_MIN / 2;
	CHECK(rpc_client_init(&pair->client, 1 << 20, 0, &pair->client_error) == 0);
	CHECK(rpc_server_init(&pair->server, 0, &pair->server_error) == 0);
}

static void
close_pair(struct pair *pair)
{
	rpc_client_free(&pair->client);
	rpc_server_free(&pair->server);
}

static void
note(struct wire *wire, const uint8_t *frame, size_t length, int64_t now)
{
	if (frame[3] == NGHTTP2_PING && (frame[4] & NGHTTP2_FLAG_ACK) == 0) {
		wire->pings++;
		if (now - wire->pinged < wire->closest)
			wire->closest = now - wire->pinged;
		wire->pinged = now;
	}
	if (frame[3] == NGHTTP2_GOAWAY) {
		wire->goaways++;
		wire->goaway_last = (uint32_t)frame[9] << 24 | frame[10] << 16 |
		    frame[11] << 8 | frame[12];
		wire->goaway_code = frame[16];
		snprintf(wire->goaway_text, sizeof(wire->goaway_text), "%.*s",
		    (int)(length - 17), frame + 17);
	}
}

static bool
is_let_through(const struct wire *wire, const uint8_t *frame)
{
	return (!wire->cut &&
	    !(wire->no_pings && frame[3] == NGHTTP2_PING &&
	    (frame[4] & NGHTTP2_FLAG_ACK) == 0) &&
	    !(wire->no_ping_acks && frame[3] == NGHTTP2_PING &&
	    (frame[4] & NGHTTP2_FLAG_ACK) != 0) &&
	    !(wire->no_windows && frame[3] == NGHTTP2_WINDOW_UPDATE) &&
	    !(wire->no_data && frame[3] == NGHTTP2_DATA));
}

/* Take what one side has to say, frame by frame, to the other. */
static bool
carry(struct pair *pair, bool up)
{
	static uint8_t bytes[1 << 20];
	struct rpc_connection *from = up ? &pair->client.connection :
	    &pair->server.connection;
	struct wire *wire = up ? &pair->up : &pair->down;
	const uint8_t *output;
	size_t length, at, size;

	from->now = pair->now;
	output = rpc_connection_output(from, &length);
	memcpy(bytes, output, length);
	rpc_connection_wrote(from, length, pair->now);
	at = up && length >= 24 && memcmp(bytes, "PRI", 3) == 0 ? 24 : 0;
	if (at > 0)
		rpc_connection_read(&pair->server.connection, bytes, at,
		    pair->now, &pair->server_error);
	for (; at + FRAME_HEAD <= length; at += size) {
		size = FRAME_HEAD + ((size_t)bytes[at] << 16 |
		    (size_t)bytes[at + 1] << 8 | bytes[at + 2]);
		note(wire, bytes + at, size, pair->now);
		if (!is_let_through(wire, bytes + at))
			continue;
		if (up)
			pair->server_result |= rpc_connection_read(
			    &pair->server.connection, bytes + at, size,
			    pair->now, &pair->server_error);
		else
			pair->client_result |= rpc_connection_read(
			    &pair->client.connection, bytes + at, size,
			    pair->now, &pair->client_error);
	}
	return (length > 0);
}

static void
settle(struct pair *pair)
{
	bool moved = true;

	while (moved) {
		moved = carry(pair, true);
		moved = carry(pair, false) || moved;
	}
}

/* Until then, or until one of the two gives up. */
static void
run_until(struct pair *pair, int64_t then)
{
	for (;;) {
		settle(pair);
		if (pair->now >= then || pair->client_result != 0 ||
		    pair->server_result != 0)
			return;
		pair->now += 100;
		pair->server_result |= rpc_server_tick(&pair->server, pair->now,
		    &pair->server_error);
		pair->client_result |= rpc_client_tick(&pair->client, pair->now,
		    &pair->client_error);
	}
}

static struct rpc_request *
ask(struct pair *pair)
{
	return (rpc_client_call(&pair->client, method_by_name("Ping"), "abc", 3,
	    INT64_MAX, NULL, &pair->client_error));
}

/* The answer to the next call, so many bytes. */
static void
answer(struct pair *pair, size_t length)
{
	static const uint8_t zeros[1 << 19];
	struct rpc_call *call = rpc_server_next(&pair->server);

	CHECK(call != NULL);
	if (call != NULL)
		rpc_server_answer(&pair->server, call, zeros, length);
}

/* The status of the next call that has finished. */
static enum grpc_status
finish(struct pair *pair)
{
	struct rpc_request *request = rpc_client_next(&pair->client);
	enum grpc_status status;

	CHECK(request != NULL);
	if (request == NULL)
		return (GRPC_UNKNOWN);
	status = request->status;
	pair->client_error = request->error;
	rpc_request_free(request);
	return (status);
}

/* A server's words, as they are on the wire, to the client. */
static void
tell_client(struct pair *pair, const void *bytes, size_t size)
{
	pair->client_result |= rpc_connection_read(&pair->client.connection,
	    bytes, size, pair->now, &pair->client_error);
}

int
main(void)
{
	struct pair pair;
	size_t length;

	TEST("an idle hour: the server PINGs every 5 s, the client never") {
		open_pair(&pair);
		run_until(&pair, 3600000);
		CHECK(pair.client_result == 0 && pair.server_result == 0);
		CHECK(pair.down.pings >= 700 && pair.down.pings <= 720);
		CHECK(pair.down.closest >= RPC_SERVER_IDLE_MS);
		CHECK(pair.up.pings == 0);
		close_pair(&pair);
	}
	TEST("where the server PINGs not, the client does, every 10 s: never too many") {
		open_pair(&pair);
		pair.down.no_pings = true;
		for (int64_t t = 20000; t <= 600000; t += 20000) {
			run_until(&pair, t);
			/* The server is alive, which its own PINGs would show. */
			pair.server.connection.pinged = INT64_MAX;
			pair.server.connection.heard = pair.now;
		}
		CHECK(pair.client_result == 0 && pair.down.goaways == 0);
		CHECK(pair.up.pings >= 25);
		CHECK(pair.up.closest >= RPC_CLIENT_IDLE_MS);
		CHECK(pair.server.connection.strikes == 0);
		close_pair(&pair);
	}
	TEST("a server that says nothing more is found dead 10 s after the PING") {
		open_pair(&pair);
		run_until(&pair, 3000);
		CHECK(ask(&pair) != NULL);
		pair.down.cut = true;
		pair.up.cut = true;
		run_until(&pair, 60000);
		CHECK(pair.server_result != 0 && pair.now == 15000);
		pair.server_result = 0;
		pair.server.connection.heard = INT64_MAX / 2;	/* so much for it */
		pair.server.connection.pinged = INT64_MAX;
		run_until(&pair, 60000);
		CHECK(pair.client_result != 0 && pair.now == 20000);
		CHECK(pair.client_error.code == EXIT_TIMEOUT);
		CHECK(pair.server_error.code == EXIT_TIMEOUT);
		close_pair(&pair);
	}
	TEST("a flood of PINGs earns one GOAWAY") {
		static uint8_t flood[500][17];

		open_pair(&pair);
		settle(&pair);
		for (size_t i = 0; i < 500; i++)
			memcpy(flood[i], (uint8_t[]){ 0, 0, 8, NGHTTP2_PING }, 4);
		rpc_connection_read(&pair.server.connection, flood[0], sizeof(flood), pair.now,
		    &pair.server_error);
		settle(&pair);
		CHECK(pair.down.goaways == 1);
		CHECK(pair.down.goaway_code == NGHTTP2_ENHANCE_YOUR_CALM);
		CHECK(strcmp(pair.down.goaway_text, "too_many_pings") == 0);
		close_pair(&pair);
	}
	TEST("PINGs between answers are no strikes, the fourth of a run is too many") {
		open_pair(&pair);
		for (int i = 0; i < 20; i++) {
			CHECK(ask(&pair) != NULL);
			nghttp2_submit_ping(pair.client.connection.session, 0, NULL);
			settle(&pair);
			answer(&pair, 3);
			settle(&pair);
			CHECK(finish(&pair) == GRPC_OK);
		}
		CHECK(pair.down.goaways == 0);
		for (int i = 0; i < 4; i++) {
			CHECK(pair.down.goaways == 0);
			nghttp2_submit_ping(pair.client.connection.session, 0, NULL);
			run_until(&pair, pair.now + 1000);
		}
		CHECK(pair.down.goaways == 1);
		CHECK(pair.down.goaway_code == NGHTTP2_ENHANCE_YOUR_CALM);
		CHECK_TEXT(pair.down.goaway_text, "too_many_pings");
		CHECK(pair.server.connection.broken);
		CHECK_TEXT(pair.client.why, "the server is going away: "
		    "ENHANCE_YOUR_CALM, too_many_pings");
		close_pair(&pair);
	}
	TEST("a server that wants calm ends the calls it has not taken, with its reason") {
		static const uint8_t calm[] = "\0\0\x0c\x07\0\0\0\0\0\0\0\0\1\0\0\0\x0b" "calm";

		open_pair(&pair);
		CHECK(ask(&pair) != NULL);
		CHECK(ask(&pair) != NULL);
		settle(&pair);
		tell_client(&pair, calm, sizeof(calm) - 1);
		CHECK(finish(&pair) == GRPC_UNAVAILABLE);
		CHECK_TEXT(pair.client_error.text, "the server is going away: "
		    "ENHANCE_YOUR_CALM, calm");
		CHECK(ask(&pair) == NULL);
		CHECK(!rpc_client_left_alone(&pair.client));
		answer(&pair, 3);	/* stream 1, which it had taken */
		settle(&pair);
		CHECK(finish(&pair) == GRPC_OK);
		CHECK(rpc_client_left_alone(&pair.client));
		close_pair(&pair);
	}
	TEST("a server that stops takes what was on its way, and says where it ended") {
		open_pair(&pair);
		CHECK(ask(&pair) != NULL);
		settle(&pair);
		rpc_server_stop(&pair.server);
		CHECK(ask(&pair) != NULL);	/* sent before it hears of that */
		rpc_connection_output(&pair.client.connection, &length);
		carry(&pair, false);
		CHECK(pair.down.goaway_last == INT32_MAX);
		CHECK_TEXT(pair.down.goaway_text, "graceful_stop");
		CHECK(ask(&pair) == NULL);
		settle(&pair);
		CHECK(pair.down.goaways == 2 && pair.down.goaway_code == 0);
		CHECK(pair.down.goaway_last == 3);
		CHECK_TEXT(pair.down.goaway_text, "graceful_stop");
		answer(&pair, 3);
		answer(&pair, 3);
		CHECK(!rpc_server_done(&pair.server));
		settle(&pair);
		CHECK(finish(&pair) == GRPC_OK && finish(&pair) == GRPC_OK);
		CHECK(rpc_server_done(&pair.server));
		rpc_client_close(&pair.client);
		settle(&pair);
		CHECK(pair.up.goaways == 0);
		close_pair(&pair);
	}
	TEST("a server that stops does so, too, where its last PING is not answered") {
		open_pair(&pair);
		settle(&pair);
		pair.up.no_ping_acks = true;
		CHECK(ask(&pair) != NULL);
		settle(&pair);
		rpc_server_stop(&pair.server);
		CHECK(rpc_server_deadline(&pair.server) == 5000);
		run_until(&pair, 4900);
		CHECK(pair.down.goaways == 1);
		run_until(&pair, 5000);
		CHECK(pair.down.goaways == 2 && pair.down.goaway_last == 1);
		answer(&pair, 3);
		settle(&pair);
		CHECK(finish(&pair) == GRPC_OK && rpc_server_done(&pair.server));
		close_pair(&pair);
	}
	TEST("a client that has had enough says goodbye") {
		open_pair(&pair);
		settle(&pair);
		rpc_client_close(&pair.client);
		settle(&pair);
		CHECK(pair.up.goaways == 1 && pair.up.goaway_code == 0);
		CHECK_TEXT(pair.up.goaway_text, "client transport shutdown");
		close_pair(&pair);
	}
	TEST("a client that answers PINGs and takes no answer is given up after a minute") {
		open_pair(&pair);
		settle(&pair);
		pair.up.no_windows = true;
		CHECK(ask(&pair) != NULL);
		settle(&pair);
		answer(&pair, 1 << 19);
		run_until(&pair, 120000);
		CHECK(pair.server_result != 0);
		CHECK(pair.now >= RPC_STALLED_MS && pair.now <= RPC_STALLED_MS + 1000);
		CHECK(pair.server_error.code == EXIT_TIMEOUT);
		CHECK(pair.server.answer_bytes > (1 << 19) - 70000);
		close_pair(&pair);
	}
	TEST("so is one that takes a byte now and then, but not one that is slow") {
		for (uint8_t high = 0; high <= 1; high++) {
			/* The window of the connection, and of the call: 1 or 65537. */
			const uint8_t windows[2][13] = {
			    { 0, 0, 4, NGHTTP2_WINDOW_UPDATE, 0, 0, 0, 0, 0, 0, high, 0, 1 },
			    { 0, 0, 4, NGHTTP2_WINDOW_UPDATE, 0, 0, 0, 0, 1, 0, high, 0, 1 } };

			open_pair(&pair);
			settle(&pair);
			pair.up.no_windows = true;
			CHECK(ask(&pair) != NULL);
			settle(&pair);
			answer(&pair, 1 << 19);
			for (int64_t t = 10000; t <= 120000; t += 10000) {
				run_until(&pair, t);
				if (pair.server_result == 0)
					pair.server_result = rpc_connection_read(
					    &pair.server.connection, windows[0],
					    sizeof(windows), t, &pair.server_error);
			}
			CHECK((pair.server_result == 0) == (high == 1));
			if (high == 0)
				CHECK(pair.server_error.code == EXIT_TIMEOUT &&
				    pair.now <= RPC_STALLED_MS + 1000);
			close_pair(&pair);
		}
	}
	TEST("a request that does not come to its end is refused in time") {
		open_pair(&pair);
		settle(&pair);
		pair.up.no_data = true;
		CHECK(ask(&pair) != NULL);
		run_until(&pair, RPC_REQUEST_MS - 1000);
		CHECK(pair.server.streams == 1);
		CHECK(rpc_client_next(&pair.client) == NULL);
		run_until(&pair, RPC_REQUEST_MS + 1000);
		CHECK(finish(&pair) == GRPC_DEADLINE_EXCEEDED);
		close_pair(&pair);
	}
	TEST("a call's deadline passes on both sides at its time") {
		open_pair(&pair);
		CHECK(rpc_client_call(&pair.client, method_by_name("Ping"), "", 0,
		    2000, NULL, &pair.client_error) != NULL);
		run_until(&pair, 1900);
		CHECK(rpc_client_next(&pair.client) == NULL);
		CHECK(rpc_server_deadline(&pair.server) == 2000);
		run_until(&pair, 2000);
		CHECK(finish(&pair) == GRPC_DEADLINE_EXCEEDED);
		CHECK(pair.client_error.code == EXIT_TIMEOUT);
		CHECK(pair.server.streams == 0);
		close_pair(&pair);
	}
	TEST("the client opens no more streams than the server's SETTINGS allow") {
		const nghttp2_settings_entry limit = {
		    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 3 };

		open_pair(&pair);
		nghttp2_submit_settings(pair.server.connection.session,
		    NGHTTP2_FLAG_NONE, &limit, 1);
		settle(&pair);
		for (int i = 0; i < 10; i++)
			CHECK(ask(&pair) != NULL);
		settle(&pair);
		CHECK(pair.server.streams == 3);
		/* The last one, which was not sent, is given up. */
		rpc_client_cancel(&pair.client, TAILQ_LAST(&pair.client.open,
		    rpc_requests), GRPC_CANCELLED, "cancelled");
		CHECK(finish(&pair) == GRPC_CANCELLED);
		for (size_t i = 0; i < 9; i++) {
			settle(&pair);
			CHECK(pair.server.streams == (i < 7 ? 3 : 9 - i));
			answer(&pair, 10);
			settle(&pair);
			CHECK(finish(&pair) == GRPC_OK);
		}
		CHECK(rpc_server_next(&pair.server) == NULL);
		close_pair(&pair);
	}
	TEST("a client that has not read the server's SETTINGS yet opens 100 streams") {
		open_pair(&pair);
		pair.down.cut = true;
		for (int i = 0; i < 200; i++)
			CHECK(ask(&pair) != NULL);
		settle(&pair);
		CHECK(pair.server.streams == 100);
		close_pair(&pair);
	}
	return (unit_end());
}
