#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dataconn/compression_sample.h"
#include "dataconn/dataconn.h"
#include "dataconn/dataconn_out.h"

#define QUEUE_MAX (STREAM_RESPONSE_MAX + STREAM_HEADER_MAX + (256u << 10))

void
dataconn_out_init(struct dataconn_out *out, int fd)
{
	*out = (struct dataconn_out){ .fd = fd, .queue = BUFFER_EMPTY(QUEUE_MAX) };
}

int
dataconn_out_message(struct dataconn_out *out, enum frame_type header_type,
    const char *header, enum frame_type type, const void *message,
    size_t length, struct error *error)
{
	const size_t before = buffer_length(&out->queue);

	if (stream_append_message(&out->queue, header_type, header,
	    strlen(header), error) == -1 || (message != NULL &&
	    stream_append_message(&out->queue, type, message, length,
	    error) == -1)) {
		buffer_truncate(&out->queue, before);
		return (-1);
	}
	out->message_left = buffer_length(&out->queue);
	pace_start(&out->message, DATACONN_MESSAGE_MS, io_now());
	return (0);
}

/* --- the stream --- */

/*
 * The chunk buffer.  Reads go to the middle of a page.  In front of that is room for the
 * bytes kept from the last read, and before them for the frame's header.  What matters is
 * where the bytes lie in their pages: the kernel copies them to the beginning of a page of
 * its own, and a processor may copy fifteen times as slowly to a place that is a few bytes
 * further into a page than the source is (t/bench/README.md).  A frame that begins shortly
 * before the end of a page is such a source.
 */
#define PAGE 4096u
#define CHUNK_LEAD (PAGE / 2)

/*
 * Bytes per read, whole pages, as a pipe's buffers are.  Long ones are worth it: at 128 KiB
 * a stream takes 1.3 times as much processor time, under BBR 1.6 times.  Compressed, it
 * goes in the pieces for which the levels were measured.
 */
#define CHUNK		(FRAME_PAYLOAD_MAX - PAGE)
_Static_assert(CHUNK + FRAME_LENGTH_KEPT_MAX <= FRAME_PAYLOAD_MAX,
    "a chunk and what was kept may be one frame");

#define PACKED_LEAD	(FRAME_HEADER_SIZE + COMPRESSION_PREFIX_SIZE)
#define PACKED_MIN	256u	/* fewer bytes are sent as they are */

/* Make a compressed frame of it, if that is what to do now. */
static bool
pack_frame(struct dataconn_out *out, const uint8_t *payload, size_t size)
{
	const int level = size < PACKED_MIN ? COMPRESSION_LEVEL_NONE :
	    compression_level_next(&out->level, compression_sample(payload, size));
	int64_t took = 0;
	size_t length = 0;

	if (level != COMPRESSION_LEVEL_NONE) {
		took = -io_cpu_us();
		length = compressor_run(&out->compressor, level, payload, size,
		    out->packed + PACKED_LEAD);
		took += io_cpu_us();
		/* What was compressed before can be inflated all the same. */
		out->compresses = length > 0;
	}
	compression_level_done(&out->level, size, length > 0 ? length : size, took,
	    io_now_us());
	if (length == 0)
		return (false);
	frame_encode(out->packed, FRAME_ZFS_STREAM_ZSTD,
	    (uint32_t)(COMPRESSION_PREFIX_SIZE + length));
	frame_put_number(out->packed + FRAME_HEADER_SIZE, (uint32_t)size);
	out->frame = out->packed;
	out->frame_length = PACKED_LEAD + length;
	out->compressed_frames++;
	return (true);
}

/* Make a frame of the kept bytes and the length bytes after them, if they are enough. */
static void
cut_frame(struct dataconn_out *out, size_t length)
{
	uint8_t *payload = out->chunk + CHUNK_LEAD - out->kept_length;
	const size_t have = out->kept_length + length;
	const size_t send = frame_length(have, FRAME_LENGTH_MORE);

	memcpy(payload, out->kept, out->kept_length);
	out->kept_length = have - send;
	memcpy(out->kept, payload + send, out->kept_length);
	if (send == 0)
		return;
	out->frames++;
	if (!out->compresses || !pack_frame(out, payload, send)) {
		out->frame = payload - FRAME_HEADER_SIZE;
		out->frame_length = FRAME_HEADER_SIZE + send;
		frame_encode(payload - FRAME_HEADER_SIZE, FRAME_ZFS_STREAM,
		    (uint32_t)send);
	}
	out->wire += out->frame_length;
}

int
dataconn_out_begin(struct dataconn_out *out, int fd, struct error *error)
{
	out->chunk = aligned_alloc(PAGE, PAGE + CHUNK);
	if (out->compresses) {
		compression_level_init(&out->level);
		out->packed = malloc(PACKED_LEAD + compressor_bound(CHUNK +
		    FRAME_LENGTH_KEPT_MAX));
	}
	if (out->chunk == NULL || (out->compresses && out->packed == NULL))
		return (error_errno(error, "data connection"));
	out->source = DATACONN_SOURCE_OPEN;
	out->source_fd = fd;
	return (0);
}

int
dataconn_out_finish(struct dataconn_out *out, const char *failure,
    struct error *error)
{
	const size_t send = frame_length(out->kept_length, FRAME_LENGTH_LAST);

	if (failure == NULL && send < out->kept_length)
		failure = "a stream of a single byte cannot be sent";
	if (send > 0) {
		out->frames++;
		out->wire += FRAME_HEADER_SIZE + send;
		if (stream_append_frame(&out->queue, FRAME_ZFS_STREAM, out->kept,
		    send, error) == -1)
			return (-1);
	}
	out->kept_length = 0;
	if (failure != NULL)
		return (stream_append_error(&out->queue, failure, error));
	return (stream_append_empty(&out->queue, FRAME_END, error));
}

size_t
dataconn_out_read(struct dataconn_out *out, size_t max)
{
	const size_t chunk = out->compresses &&
	    !compression_level_passes(&out->level) ? COMPRESSION_LEVEL_PIECE : CHUNK;
	const ssize_t got = io_read(out->source_fd, out->chunk + CHUNK_LEAD,
	    max < chunk ? max : chunk);

	if (got > 0) {
		cut_frame(out, (size_t)got);
		return ((size_t)got);
	}
	if (got == 0 || errno != EAGAIN) {
		out->source_errno = got == 0 ? 0 : errno;
		out->source = DATACONN_SOURCE_ENDED;
	}
	return (0);
}

void
dataconn_out_waited(struct dataconn_out *out, bool network, int64_t us)
{
	compression_level_waited(&out->level, network, us);
}

int
dataconn_out_ended(struct dataconn_out *out, struct error *error)
{
	if (out->source != DATACONN_SOURCE_ENDED)
		return (0);
	out->source = DATACONN_SOURCE_DONE;
	if (out->source_errno == 0)
		return (1);
	errno = out->source_errno;
	return (error_errno(error, "cannot read the stream"));
}

void
dataconn_out_drop(struct dataconn_out *out)
{
	if (out->source != DATACONN_SOURCE_NONE)
		out->source = DATACONN_SOURCE_DONE;
}

/* --- the network --- */

bool
dataconn_out_flushed(const struct dataconn_out *out)
{
	return (out->failed || (out->frame_length == 0 &&
	    buffer_length(&out->queue) == 0));
}

bool
dataconn_out_write(struct dataconn_out *out, int64_t now, struct error *error)
{
	const bool frame = out->frame_length > 0;
	ssize_t put;

	if (dataconn_out_flushed(out))
		return (false);
	put = frame ? io_write(out->fd, out->frame, out->frame_length) :
	    io_write(out->fd, buffer_front(&out->queue),
	    buffer_length(&out->queue));
	if (put == -1) {
		/* The peer's last words are still to be read. */
		out->failed = errno != EAGAIN;
		if (out->failed && error->code == EXIT_DONE)
			error_set(error, EXIT_PROTOCOL,
			    "the peer closed the connection: %s", strerror(errno));
		return (false);
	}
	if (frame) {
		out->frame += put;
		out->frame_length -= (size_t)put;
		return (true);
	}
	buffer_consume(&out->queue, (size_t)put);
	out->message_left -= (size_t)put < out->message_left ? (size_t)put :
	    out->message_left;
	pace_moved(&out->message, (size_t)put, now);
	return (true);
}

int64_t
dataconn_out_deadline(const struct dataconn_out *out)
{
	return (out->message_left > 0 && !out->failed ?
	    pace_deadline(&out->message) : INT64_MAX);
}

void
dataconn_out_free(struct dataconn_out *out)
{
	buffer_free(&out->queue);
	compressor_free(&out->compressor);
	free(out->chunk);
	free(out->packed);
}
