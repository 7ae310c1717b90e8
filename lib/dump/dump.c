#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "dump/dump.h"
#include "message/pbjson.h"
#include "transport/banner.h"
#include "transport/extension.h"
#include "transport/label.h"
#include "transport/sshcon.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#define PREFACE_SIZE (sizeof(preface) - 1)
#define GUESS_SIZE 4

/* --- lines --- */

void
dump_line(const struct dump *dump, uint64_t begin, uint64_t size)
{
	fprintf(dump->out, "%c %llu %llu ", dump->side == DUMP_CLIENT ? '>' : '<',
	    (unsigned long long)begin, (unsigned long long)size);
}

int
dump_message(const struct dump *dump, const ProtobufCMessageDescriptor *type,
    const void *bytes, size_t length, struct error *error)
{
	char *text;

	if (type == NULL) {
		fprintf(dump->out, "message of %zu bytes\n", length);
		return (0);
	}
	text = pbjson_from_wire(type, NULL, bytes, length, NULL, error);
	fprintf(dump->out, "%s %s\n", type->name,
	    text == NULL ? "that cannot be decoded" : text);
	free(text);
	return (text == NULL ? -1 : 0);
}

/* --- before the frames --- */

static int
greeting(struct dump *dump)
{
	static const struct {
		const char *bytes, *name;
	} known[] = {
		{ sshcon_hello, "SSHCON_HELO" },
		{ sshcon_begin, "SSHCON_BEGIN" },
		{ sshcon_proxy_error, "SSHCON_PROXY_ERROR" }
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (memcmp(buffer_front(&dump->head), known[i].bytes,
		    SSHCON_BANNER_SIZE) == 0) {
			dump_line(dump, dump->begin, SSHCON_BANNER_SIZE);
			fprintf(dump->out, "greeting %s\n", known[i].name);
			dump->state = DUMP_AT_BANNER;
			return (0);
		}
	return (-1);
}

/*
 * May compressed frames follow?  If the other side's banner is not known, this one has to
 * do.  The client's frames have been read when the server's banner is.
 */
static int
agree(struct dump *dump, const struct banner *ours, struct error *error)
{
	struct dump_connection *connection = dump->connection;
	const int other = connection->zstd[dump->side == DUMP_CLIENT];
	const bool has = extension_in_banner(ours, EXTENSION_ZSTD);
	const bool agreed = has && other != DUMP_BANNER_WITHOUT;

	connection->zstd[dump->side] = has ? DUMP_BANNER_WITH : DUMP_BANNER_WITHOUT;
	if (other != DUMP_BANNER_UNKNOWN && (has || other == DUMP_BANNER_WITH))
		fprintf(dump->out, ", agreed: %s", agreed ? EXTENSION_ZSTD : "none");
	putc('\n', dump->out);
	if (agreed)
		exchange_allow_compression(&dump->exchange);
	else if (connection->compressed)
		return (error_set(error, EXIT_PROTOCOL, "the client has sent a "
		    "compressed frame, at its offset %llu, to which this banner does "
		    "not agree", (unsigned long long)connection->compressed_at));
	return (0);
}

static int
banner(struct dump *dump, struct error *error)
{
	const char *bytes = (const char *)buffer_front(&dump->head);
	const size_t length = buffer_length(&dump->head);
	struct banner parsed;

	if (banner_parse(&parsed, bytes, length, error) == -1)
		return (-1);
	dump_line(dump, dump->begin, length);
	fprintf(dump->out, "banner version %d", parsed.version);
	if (parsed.extension_count > 0) {
		fprintf(dump->out, " %d extensions ", parsed.extension_count);
		quote(dump->out, parsed.extensions, parsed.extensions_length);
	}
	dump->state = dump->side == DUMP_CLIENT ? DUMP_AT_LABEL :
	    dump->connection->kind == DUMP_DATA ? DUMP_IN_FRAMES :
	    dump->connection->kind == DUMP_CONTROL ? DUMP_IN_HTTP2 : DUMP_AT_GUESS;
	return (agree(dump, &parsed, error));
}

static int
label(struct dump *dump, struct error *error)
{
	char text[LABEL_SIZE + 1];

	if (label_decode(text, (const char *)buffer_front(&dump->head), error) == -1)
		return (error_set(error, EXIT_PROTOCOL,
		    "no label: are these the server's bytes?"));
	dump_line(dump, dump->begin, LABEL_SIZE);
	fprintf(dump->out, "label %s\n", text);
	if (strcmp(text, LABEL_CONTROL) == 0) {
		dump->connection->kind = DUMP_CONTROL;
		dump->state = DUMP_AT_PREFACE;
	} else if (strcmp(text, LABEL_DATA) == 0) {
		dump->connection->kind = DUMP_DATA;
		dump->state = DUMP_IN_FRAMES;
	} else
		return (error_set(error, EXIT_PROTOCOL, "unknown label \"%s\": "
		    "neither " LABEL_CONTROL " nor " LABEL_DATA, text));
	return (0);
}

/*
 * A server's bytes do not name the request.  Data or control connection?  A frame's type
 * is one bit, or small, and the length of HTTP/2's first frame is below 64 KiB.
 */
static int
guess(struct dump *dump, struct error *error)
{
	const uint8_t *bytes = buffer_front(&dump->head);

	if (memcmp(bytes, LABEL_DATA, GUESS_SIZE) == 0)
		return (error_set(error, EXIT_PROTOCOL,
		    "a label: these are the client's bytes"));
	dump->connection->kind = bytes[0] == 0 && bytes[3] == 4 ?
	    DUMP_CONTROL : DUMP_DATA;
	dump->state = dump->connection->kind == DUMP_CONTROL ? DUMP_IN_HTTP2 :
	    DUMP_IN_FRAMES;
	return (0);
}

static int
http2_preface(struct dump *dump, struct error *error)
{
	if (memcmp(buffer_front(&dump->head), preface, PREFACE_SIZE) != 0)
		return (error_set(error, EXIT_PROTOCOL,
		    "this is not HTTP/2's preface"));
	dump_line(dump, dump->begin, PREFACE_SIZE);
	fputs("preface\n", dump->out);
	dump->state = DUMP_IN_HTTP2;
	return (0);
}

/* The error names the likely kind of the peer; *error is unchanged if that is unknown. */
static int
not_zrepl(const struct dump *dump, struct error *error)
{
	const char *guess_at = banner_guess((const char *)
	    buffer_front(&dump->head), buffer_length(&dump->head));

	if (guess_at != NULL)
		error_set(error, EXIT_PROTOCOL, "this is not zrepl but %s", guess_at);
	return (-1);
}

/* The number of bytes that the current item still needs; 0: it is complete. */
static int
missing(struct dump *dump, size_t *wanted, struct error *error)
{
	const size_t have = buffer_length(&dump->head);
	const char *bytes = (const char *)buffer_front(&dump->head);

	if (dump->state == DUMP_AT_GREETING) {
		/* Without ssh there is no greeting, but a banner. */
		if (have > 0 && bytes[0] != 'S')
			dump->state = DUMP_AT_BANNER;
		else {
			*wanted = have == 0 ? 1 : SSHCON_BANNER_SIZE - have;
			return (0);
		}
	}
	switch (dump->state) {
	case DUMP_AT_BANNER:
		if (banner_missing(bytes, have, wanted, error) == 0)
			return (0);
		if (have >= BANNER_PREFIX_SIZE)
			return (not_zrepl(dump, error));
		*wanted = BANNER_PREFIX_SIZE - have;
		return (0);
	case DUMP_AT_LABEL:
		*wanted = LABEL_SIZE - have;
		return (0);
	case DUMP_AT_GUESS:
		*wanted = GUESS_SIZE - have;
		return (0);
	default:
		*wanted = PREFACE_SIZE - have;
		return (0);
	}
}

/* The item in head is complete. */
static int
begin(struct dump *dump, struct error *error)
{
	switch (dump->state) {
	case DUMP_AT_GREETING:
		if (greeting(dump) == 0)
			return (0);
		error_set(error, EXIT_PROTOCOL,
		    "neither a greeting inside ssh nor a banner");
		return (not_zrepl(dump, error));
	case DUMP_AT_BANNER:
		return (banner(dump, error));
	case DUMP_AT_LABEL:
		return (label(dump, error));
	default:
		return (http2_preface(dump, error));
	}
}

/* Read the bytes that were only looked at. */
static int
replay(struct dump *dump, struct error *error)
{
	uint8_t seen[GUESS_SIZE];
	size_t consumed;

	if (guess(dump, error) == -1)
		return (-1);
	memcpy(seen, buffer_front(&dump->head), sizeof(seen));
	buffer_consume(&dump->head, sizeof(seen));
	return (dump->state == DUMP_IN_HTTP2 ?
	    dump_http2(dump, seen, sizeof(seen), &consumed, error) :
	    dump_frames(dump, seen, sizeof(seen), &consumed, error));
}

static int
feed_head(struct dump *dump, const uint8_t *bytes, size_t size,
    size_t *consumed, struct error *error)
{
	size_t wanted;

	*consumed = 0;
	for (;;) {
		if (missing(dump, &wanted, error) == -1)
			return (-1);
		if (wanted == 0 || *consumed == size)
			break;
		if (wanted > size - *consumed)
			wanted = size - *consumed;
		if (buffer_append(&dump->head, bytes + *consumed, wanted) == -1)
			return (error_errno(error, "head"));
		*consumed += wanted;
	}
	if (wanted > 0)
		return (0);
	if (dump->state == DUMP_AT_GUESS)
		return (replay(dump, error));
	if (begin(dump, error) == -1)
		return (-1);
	dump->begin += buffer_length(&dump->head);
	buffer_consume(&dump->head, buffer_length(&dump->head));
	return (0);
}

/* --- the whole --- */

int
dump_init(struct dump *dump, enum dump_side side,
    struct dump_connection *connection, FILE *out, struct error *error)
{
	*dump = (struct dump){ .side = side, .connection = connection,
	    .out = out, .head = BUFFER_EMPTY(DUMP_FRAME_MAX),
	    .block = BUFFER_EMPTY(DUMP_FRAME_MAX) };
	/* A server's answer to an unknown request may be followed by a stream. */
	exchange_init(&dump->exchange,
	    side == DUMP_CLIENT ? EXCHANGE_SERVER : EXCHANGE_CLIENT,
	    connection->method != NULL ? connection->method->kind : METHOD_SEND);
	if (nghttp2_hd_inflate_new(&dump->inflater) != 0)
		return (error_set(error, EXIT_SYSTEM, "out of memory"));
	nghttp2_hd_inflate_change_table_size(dump->inflater, 65536);
	return (0);
}

int
dump_feed(struct dump *dump, const uint8_t *bytes, size_t size,
    struct error *error)
{
	size_t consumed = 0;
	int result = 0;

	while (result == 0 && size > 0) {
		if (dump->state < DUMP_IN_FRAMES)
			result = feed_head(dump, bytes, size, &consumed, error);
		else if (dump->state == DUMP_IN_FRAMES)
			result = dump_frames(dump, bytes, size, &consumed, error);
		else if (dump->state == DUMP_IN_HTTP2)
			result = dump_http2(dump, bytes, size, &consumed, error);
		else
			consumed = size;
		dump->offset += consumed;
		bytes += consumed;
		size -= consumed;
	}
	return (result);
}

int
dump_end(struct dump *dump, struct error *error)
{
	size_t wanted;

	if (dump->state == DUMP_IN_FRAMES)
		return (dump_frames_end(dump, error));
	if (dump->state == DUMP_IN_HTTP2)
		return (dump_http2_end(dump, error));
	if (dump->state == DUMP_AFTER || buffer_length(&dump->head) == 0)
		return (0);
	if (dump->state <= DUMP_AT_BANNER && banner_missing((const char *)
	    buffer_front(&dump->head), buffer_length(&dump->head), &wanted,
	    error) == -1)
		return (not_zrepl(dump, error));
	return (error_set(error, EXIT_PROTOCOL, "the bytes end in the middle of %s",
	    dump->state == DUMP_AT_LABEL ? "the label" :
	    dump->state == DUMP_AT_PREFACE ? "HTTP/2's preface" :
	    dump->state == DUMP_AT_GUESS ? "the first frame" : "the banner"));
}

void
dump_free(struct dump *dump)
{
	exchange_free(&dump->exchange);
	dump_grpc_free(dump);
	nghttp2_hd_inflate_del(dump->inflater);
	buffer_free(&dump->head);
	buffer_free(&dump->block);
}

void
dump_connection_free(struct dump_connection *connection)
{
	free(connection->methods);
	*connection = (struct dump_connection){ .methods = NULL };
}
