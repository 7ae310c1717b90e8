#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "format/fletcher4.h"
#include "format/nvlist_pack.h"
#include "format/resume_token.h"

#define PACKED_MAX	2048	/* bytes: two names, a dozen pairs */
#define LEVEL		6	/* of compression, as zfs(8) has it */
#define HEAD_MAX	64	/* bytes: "1-CHECKSUM-SIZE-" */

/* In the order of zfs(8), which always writes bytes; the list's length. */
static int
pack(const struct resume_token *token, uint8_t packed[PACKED_MAX], size_t *length)
{
	char name[2 * FS_NAME_MAX + 2];
	const struct resume_token_name *flag = resume_token_names;
	struct nvlist_pack list;

	snprintf(name, sizeof(name), "%s@%s", token->filesystem, token->snapshot);
	nvlist_pack_begin(&list, packed, PACKED_MAX);
	if (token->from_guid != 0)
		nvlist_pack_uint64(&list, "fromguid", token->from_guid);
	nvlist_pack_uint64(&list, "object", token->object);
	nvlist_pack_uint64(&list, "offset", token->offset);
	nvlist_pack_uint64(&list, "bytes", token->bytes);
	nvlist_pack_uint64(&list, "toguid", token->to_guid);
	nvlist_pack_string(&list, "toname", name);
	for (; flag < resume_token_names + RESUME_TOKEN_NAMED_FLAGS; flag++)
		if ((token->flags & flag->flag & ~RESUME_TOKEN_SAVED) != 0)
			nvlist_pack_boolean(&list, flag->name);
	if (nvlist_pack_end(&list) == -1)
		return (-1);
	*length = list.length;
	return (0);
}

static char *
text_of(const uint8_t *compressed, size_t compressed_length, size_t packed_length)
{
	struct fletcher4 sum = { .swap = false };
	char *const text = malloc(HEAD_MAX + 2 * compressed_length + 1);
	char *at = text;

	if (text == NULL)
		return (NULL);
	fletcher4_update(&sum, compressed, compressed_length);
	at += snprintf(text, HEAD_MAX, "1-%" PRIx64 "-%zx-", sum.words[0], packed_length);
	for (size_t i = 0; i < compressed_length; i++, at += 2)
		snprintf(at, 3, "%02x", compressed[i]);
	return (text);
}

char *
resume_token_encode(const struct resume_token *token, struct error *error)
{
	uint8_t packed[PACKED_MAX], compressed[2 * PACKED_MAX];
	uLongf compressed_length = sizeof(compressed);
	size_t packed_length;
	char *text;

	/* Neither can fail but for want of memory: both arrays have room. */
	if (pack(token, packed, &packed_length) == -1 ||
	    compress2(compressed, &compressed_length, packed, packed_length, LEVEL) != Z_OK ||
	    (text = text_of(compressed, compressed_length, packed_length)) == NULL) {
		error_set(error, EXIT_SYSTEM, "resume token: out of memory");
		return (NULL);
	}
	return (text);
}
