#include <stdlib.h>

#include "streamsum/stream_digest_private.h"

struct stream_digest *
stream_digest_new(int (*each)(void *context, const struct stream_part *part,
    struct error *error), void *context)
{
	struct stream_digest *digest = calloc(1, sizeof(*digest));

	if (digest == NULL)
		return (NULL);
	zstream_init(&digest->own, "compared");
	zstream_add_sink(&digest->own, &(struct zstream_sink){ .record = stream_digest_record,
	    .payload = stream_digest_payload, .context = digest });
	digest->stream = &digest->own;
	digest->each = each;
	digest->context = context;
	return (digest);
}

int
stream_digest_feed(struct stream_digest *digest, const void *bytes, size_t length,
    struct error *error)
{
	return (zstream_feed(&digest->own, bytes, length, error));
}

static int
see_record(void *context, const struct zstream *stream, enum zstream_record_type type,
    struct error *error)
{
	struct stream_digest *digest = context;

	(void)error;
	if (digest->refused.code == EXIT_DONE)
		stream_digest_record(digest, stream, type, &digest->refused);
	return (0);
}

static int
see_payload(void *context, const struct zstream *stream, const uint8_t *bytes,
    size_t length, struct error *error)
{
	struct stream_digest *digest = context;

	(void)error;
	if (digest->refused.code == EXIT_DONE)
		stream_digest_payload(digest, stream, bytes, length, &digest->refused);
	return (0);
}

void
stream_digest_attach(struct stream_digest *digest, struct zstream *stream)
{
	digest->stream = stream;
	zstream_add_sink(stream, &(struct zstream_sink){ .record = see_record,
	    .payload = see_payload, .context = digest });
}

int
stream_digest_finish(struct stream_digest *digest, struct stream_sum *sum,
    struct error *error)
{
	if (digest->refused.code != EXIT_DONE) {
		*error = digest->refused;
		return (-1);
	}
	if (zstream_finish(digest->stream, error) == -1)
		return (-1);
	stream_digest_begun(digest, sum);
	sha256_end(&digest->whole, sum->digest);
	if (digest->whole.failed || digest->part.failed)
		return (error_set(error, EXIT_SYSTEM,
		    "SHA-256 failed: is OpenSSL's libcrypto installed?"));
	return (0);
}

void
stream_digest_begun(const struct stream_digest *digest, struct stream_sum *sum)
{
	sum->kind = digest->kind;
	sum->guid = digest->stream->to_guid;
}

const char *
stream_digest_name(const struct stream_digest *digest)
{
	return (digest->stream->to_name);
}

void
stream_digest_free(struct stream_digest *digest)
{
	if (digest == NULL)
		return;
	sha256_free(&digest->whole);
	sha256_free(&digest->part);
	free(digest);
}
