/*
 * The HTTP/2 frames of a control connection, for zr-dump.
 */
#include <inttypes.h>
#include <string.h>

#include "base/quote.h"
#include "dump/dump.h"

#define HEADER_SIZE	9
#define PATH_PREFIX	"/Replication/"

enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4,
    FLAG_PADDED = 8, FLAG_PRIORITY = 32 };

enum { FRAME_DATA, FRAME_HEADERS, FRAME_PRIORITY, FRAME_RST_STREAM,
    FRAME_SETTINGS, FRAME_PUSH_PROMISE, FRAME_PING, FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE, FRAME_CONTINUATION };

static const char *const frame_names[] = { "DATA", "HEADERS", "PRIORITY",
    "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
    "WINDOW_UPDATE", "CONTINUATION" };

static uint32_t
get32(const uint8_t *bytes)
{
	return ((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	    (uint32_t)bytes[2] << 8 | bytes[3]);
}

static uint32_t
frame_length(const struct dump *dump)
{
	return (get32(dump->frame) >> 8);
}

static uint32_t
frame_stream(const struct dump *dump)
{
	return (get32(dump->frame + 5) & 0x7fffffff);
}

/* --- headers --- */

static int
header_field(struct dump *dump, const nghttp2_nv *field, struct error *error)
{
	const char *value = (const char *)field->value;
	const size_t prefix = strlen(PATH_PREFIX);
	char name[64];

	putc(' ', dump->out);
	fwrite(field->name, 1, field->namelen, dump->out);
	putc('=', dump->out);
	quote(dump->out, value, field->valuelen);
	if (field->namelen != 5 || memcmp(field->name, ":path", 5) != 0 ||
	    field->valuelen < prefix || field->valuelen - prefix >= sizeof(name) ||
	    memcmp(value, PATH_PREFIX, prefix) != 0)
		return (0);
	memcpy(name, value + prefix, field->valuelen - prefix);
	name[field->valuelen - prefix] = '\0';
	return (dump_grpc_method(dump, dump->block_stream, method_by_name(name), error));
}

/* A name is a token; anything else must not get near a terminal. */
static bool
name_valid(const nghttp2_nv *field)
{
	for (size_t i = 0; i < field->namelen; i++)
		if (field->name[i] <= ' ' || field->name[i] > '~')
			return (false);
	return (field->namelen > 0);
}

/* The header block is complete. */
static int
headers(struct dump *dump, struct error *error)
{
	const uint8_t *bytes = buffer_front(&dump->block);
	size_t left = buffer_length(&dump->block), decoded = 0;
	nghttp2_nv field;
	ssize_t used;
	int flags = 0;

	dump_line(dump, dump->block_begin, dump->offset - dump->block_begin);
	fprintf(dump->out, "HEADERS %u%s", dump->block_stream,
	    dump->block_flags & FLAG_END_STREAM ? " END_STREAM" : "");
	while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
		used = nghttp2_hd_inflate_hd2(dump->inflater, &field, &flags,
		    bytes, left, 1);
		if (used < 0 || (flags & NGHTTP2_HD_INFLATE_EMIT &&
		    !name_valid(&field))) {
			putc('\n', dump->out);
			return (error_set(error, EXIT_PROTOCOL,
			    "a header block that cannot be decoded%s%s",
			    used < 0 ? ": " : "",
			    used < 0 ? nghttp2_strerror((int)used) : ""));
		}
		bytes += used;
		left -= (size_t)used;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
			continue;
		decoded += field.namelen + field.valuelen;
		if (decoded > DUMP_HEADERS_MAX) {
			putc('\n', dump->out);
			return (error_set(error, EXIT_PROTOCOL, "a header block "
			    "that says more than %u bytes", DUMP_HEADERS_MAX));
		}
		if (header_field(dump, &field, error) == -1)
			return (-1);
	}
	nghttp2_hd_inflate_end_headers(dump->inflater);
	putc('\n', dump->out);
	if (dump->block_flags & FLAG_END_STREAM &&
	    dump_grpc_end(dump, dump->block_stream, error) == -1)
		return (-1);
	dump->block_stream = 0;
	buffer_consume(&dump->block, buffer_length(&dump->block));
	return (0);
}

/* HEADERS and CONTINUATION: their fragment joins the block. */
static int
block(struct dump *dump, const uint8_t *bytes, size_t size, struct error *error)
{
	const bool first = dump->frame[3] == FRAME_HEADERS;
	size_t pad = 0;

	if (first) {
		dump->block_stream = frame_stream(dump);
		dump->block_flags = dump->frame[4];
		dump->block_begin = dump->begin;
		if (dump->frame[4] & FLAG_PADDED && size > 0) {
			pad = *bytes++;
			size--;
		}
		if (dump->frame[4] & FLAG_PRIORITY) {
			if (size < 5)
				return (error_set(error, EXIT_PROTOCOL,
				    "a HEADERS frame too short for its priority"));
			bytes += 5;
			size -= 5;
		}
		if (pad > size)
			return (error_set(error, EXIT_PROTOCOL,
			    "a HEADERS frame with more padding than bytes"));
		size -= pad;
	}
	if (buffer_append(&dump->block, bytes, size) == -1)
		return (error_set(error, EXIT_PROTOCOL,
		    "a header block of more than %u bytes", DUMP_FRAME_MAX));
	return (dump->frame[4] & FLAG_END_HEADERS ? headers(dump, error) : 0);
}

/* --- the other frames --- */

static void
settings(const struct dump *dump, const uint8_t *bytes, size_t size)
{
	static const char *const names[] = { NULL, "HEADER_TABLE_SIZE",
	    "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE",
	    "MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE" };
	unsigned id;

	if (dump->frame[4] & FLAG_ACK)
		fputs(" ACK", dump->out);
	for (; size >= 6; bytes += 6, size -= 6) {
		id = (unsigned)bytes[0] << 8 | bytes[1];
		if (id > 0 && id < sizeof(names) / sizeof(names[0]))
			fprintf(dump->out, " %s=%" PRIu32, names[id], get32(bytes + 2));
		else
			fprintf(dump->out, " %u=%" PRIu32, id, get32(bytes + 2));
	}
}

static int
other(struct dump *dump, const uint8_t *bytes, size_t size, struct error *error)
{
	static const struct {
		uint32_t min, max, multiple;
	} sizes[] = {
		[FRAME_PRIORITY] = { 5, 5, 1 }, [FRAME_RST_STREAM] = { 4, 4, 1 },
		[FRAME_SETTINGS] = { 0, DUMP_FRAME_MAX, 6 },
		[FRAME_PUSH_PROMISE] = { 4, DUMP_FRAME_MAX, 1 },
		[FRAME_PING] = { 8, 8, 1 }, [FRAME_GOAWAY] = { 8, DUMP_FRAME_MAX, 1 },
		[FRAME_WINDOW_UPDATE] = { 4, 4, 1 }
	};
	const unsigned type = dump->frame[3];

	dump_line(dump, dump->begin, HEADER_SIZE + size);
	if (type > FRAME_WINDOW_UPDATE) {
		fprintf(dump->out, "frame of unknown type %u, stream %" PRIu32 "\n",
		    type, frame_stream(dump));
		return (0);
	}
	fputs(frame_names[type], dump->out);
	if (size < sizes[type].min || size > sizes[type].max ||
	    size % sizes[type].multiple != 0) {
		putc('\n', dump->out);
		return (error_set(error, EXIT_PROTOCOL,
		    "a %s frame cannot have %zu bytes", frame_names[type], size));
	}
	if (type != FRAME_SETTINGS && type != FRAME_PING && type != FRAME_GOAWAY)
		fprintf(dump->out, " %" PRIu32, frame_stream(dump));
	if (type == FRAME_SETTINGS)
		settings(dump, bytes, size);
	else if (type == FRAME_PING) {
		fprintf(dump->out, "%s ", dump->frame[4] & FLAG_ACK ? " ACK" : "");
		for (size_t i = 0; i < size; i++)
			fprintf(dump->out, "%02x", bytes[i]);
	} else if (type == FRAME_GOAWAY) {
		fprintf(dump->out, " last=%" PRIu32 " %s ", get32(bytes) & 0x7fffffff,
		    nghttp2_http2_strerror(get32(bytes + 4)));
		quote(dump->out, bytes + 8, size - 8);
	} else if (type == FRAME_RST_STREAM) {
		fprintf(dump->out, " %s", nghttp2_http2_strerror(get32(bytes)));
		dump_grpc_reset(dump, frame_stream(dump));
	} else if (type == FRAME_WINDOW_UPDATE)
		fprintf(dump->out, " +%" PRIu32, get32(bytes) & 0x7fffffff);
	putc('\n', dump->out);
	return (0);
}

/* A frame begins: is it one that may stand here? */
static int
check_frame(const struct dump *dump, struct error *error)
{
	const unsigned type = dump->frame[3];

	if (dump->block_stream != 0 && (type != FRAME_CONTINUATION ||
	    frame_stream(dump) != dump->block_stream))
		return (error_set(error, EXIT_PROTOCOL,
		    "the headers of stream %u are not continued", dump->block_stream));
	if (dump->block_stream == 0 && type == FRAME_CONTINUATION)
		return (error_set(error, EXIT_PROTOCOL,
		    "a CONTINUATION of no headers"));
	if ((type == FRAME_DATA || type == FRAME_HEADERS) &&
	    frame_stream(dump) == 0)
		return (error_set(error, EXIT_PROTOCOL, "a %s frame of no stream",
		    frame_names[type]));
	if (type != FRAME_DATA && frame_length(dump) > DUMP_FRAME_MAX)
		return (error_set(error, EXIT_PROTOCOL, "a frame of %u bytes",
		    frame_length(dump)));
	if (type == FRAME_DATA && dump->frame[4] & FLAG_PADDED)
		return (error_set(error, EXIT_PROTOCOL,
		    "a padded DATA frame, which gRPC has no use for"));
	return (0);
}

static void
frame_begins(struct dump *dump)
{
	dump->frame_left = frame_length(dump);
	if (dump->frame[3] != FRAME_DATA)
		return;
	dump_line(dump, dump->begin, HEADER_SIZE + dump->frame_left);
	fprintf(dump->out, "DATA %" PRIu32 "%s\n", frame_stream(dump),
	    dump->frame[4] & FLAG_END_STREAM ? " END_STREAM" : "");
}

static int
frame_ends(struct dump *dump, const uint8_t *bytes, size_t size,
    struct error *error)
{
	int result = 0;

	if (dump->frame[3] == FRAME_HEADERS || dump->frame[3] == FRAME_CONTINUATION)
		result = block(dump, bytes, size, error);
	else if (dump->frame[3] != FRAME_DATA)
		result = other(dump, bytes, size, error);
	else if (dump->frame[4] & FLAG_END_STREAM)
		result = dump_grpc_end(dump, frame_stream(dump), error);
	dump->frame_have = 0;
	if (result == 0)
		dump->begin = dump->offset;
	buffer_consume(&dump->head, buffer_length(&dump->head));
	return (result);
}

int
dump_http2(struct dump *dump, const uint8_t *bytes, size_t size,
    size_t *consumed, struct error *error)
{
	const uint64_t start = dump->offset;
	size_t take;
	int result = 0;

	*consumed = 0;
	while (result == 0 && *consumed < size) {
		take = size - *consumed;
		if (dump->frame_have < HEADER_SIZE) {
			if (take > HEADER_SIZE - dump->frame_have)
				take = HEADER_SIZE - dump->frame_have;
			memcpy(dump->frame + dump->frame_have, bytes + *consumed, take);
			dump->frame_have += take;
			*consumed += take;
			dump->offset = start + *consumed;
			if (dump->frame_have < HEADER_SIZE)
				break;
			result = check_frame(dump, error);
			if (result == 0)
				frame_begins(dump);
		} else {
			if (take > dump->frame_left)
				take = dump->frame_left;
			if (dump->frame[3] == FRAME_DATA)
				result = dump_grpc_data(dump,
				    frame_stream(dump), bytes + *consumed, take,
				    error);
			else if (buffer_append(&dump->head, bytes + *consumed,
			    take) == -1)
				result = error_errno(error, "frame");
			*consumed += take;
			dump->frame_left -= (uint32_t)take;
			dump->offset = start + *consumed;
		}
		if (result == 0 && dump->frame_have == HEADER_SIZE &&
		    dump->frame_left == 0)
			result = frame_ends(dump, buffer_front(&dump->head),
			    buffer_length(&dump->head), error);
	}
	dump->offset = start;	/* the caller counts */
	return (result);
}

int
dump_http2_end(struct dump *dump, struct error *error)
{
	if (dump->frame_have > 0)
		return (error_set(error, EXIT_PROTOCOL, "the bytes end in the "
		    "middle of a frame, %u bytes before its end",
		    dump->frame_have < HEADER_SIZE ? (unsigned)(HEADER_SIZE -
		    dump->frame_have) : dump->frame_left));
	if (dump->calls != NULL)
		return (error_set(error, EXIT_PROTOCOL, "the bytes end in the "
		    "middle of a message of stream %u", dump->calls->stream));
	return (0);
}
