#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "format/fletcher4.h"
#include "format/nvlist.h"
#include "format/resume_token.h"

const struct resume_token_name resume_token_names[RESUME_TOKEN_NAMED_FLAGS] = {
	{ RESUME_TOKEN_LARGE_BLOCKS, "largeblockok" },
	{ RESUME_TOKEN_EMBEDDED, "embedok" }, { RESUME_TOKEN_COMPRESSED, "compressok" },
	{ RESUME_TOKEN_RAW, "rawok" }, { RESUME_TOKEN_SAVED, "savedok" } };

static int
corrupt(struct error *error, const char *why)
{
	return (error_set(error, EXIT_FAILED, "resume token is corrupt: %s",
	    why));
}

bool
resume_token_plausible(const char *text)
{
	return (strncmp(text, "1-", 2) == 0 &&
	    strnlen(text, RESUME_TOKEN_TEXT_MAX + 1) <= RESUME_TOKEN_TEXT_MAX &&
	    text[strspn(text, "0123456789abcdef-")] == '\0');
}

/* Hex digits up to a "-", 1 to 16 of them; *text moves behind it. */
static bool
get_hex(const char **text, uint64_t *value)
{
	const size_t length = strcspn(*text, "-");

	if (length == 0 || length > 16 || (*text)[length] != '-')
		return (false);
	*value = strtoull(*text, NULL, 16);
	*text += length + 1;
	return (true);
}

static uint8_t
hex_digit(char digit)
{
	return ((uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10));
}

/* Is it the checksum, with the words in one byte order or the other? */
static bool
checksum_is(uint64_t checksum, const uint8_t *bytes, size_t length)
{
	struct fletcher4 native = { .swap = false }, swapped = { .swap = true };

	fletcher4_update(&native, bytes, length);
	fletcher4_update(&swapped, bytes, length);
	return (native.words[0] == checksum || swapped.words[0] == checksum);
}

/* Exactly size bytes, from all of compressed. */
static bool
inflate_exactly(uint8_t *packed, size_t size, uint8_t *compressed,
    size_t length)
{
	z_stream stream = { .next_in = compressed, .avail_in = (uInt)length,
	    .next_out = packed, .avail_out = (uInt)size };
	int result;

	if (inflateInit(&stream) != Z_OK)
		return (false);
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return (result == Z_STREAM_END && stream.avail_in == 0 &&
	    stream.avail_out == 0);
}

/* A flag is there or it is not, and has no value. */
static int
get_flags(const struct nvlist *list, unsigned *flags, struct error *error)
{
	const struct resume_token_name *flag = resume_token_names;

	for (; flag < resume_token_names + RESUME_TOKEN_NAMED_FLAGS; flag++) {
		switch (nvlist_find_boolean(list, flag->name)) {
		case NVLIST_FOUND:
			*flags |= flag->flag;
			break;
		case NVLIST_ABSENT:
			break;
		case NVLIST_WRONG:
			return (error_set(error, EXIT_FAILED, "resume token is corrupt: "
			    "%s is not a flag, or occurs twice", flag->name));
		}
	}
	return (0);
}

static int
get_number(const struct nvlist *list, const char *name, bool *there,
    uint64_t *value, struct error *error)
{
	const enum nvlist_found found = nvlist_find_uint64(list, name, value);

	if (found == NVLIST_WRONG || (found == NVLIST_ABSENT && there == NULL))
		return (error_set(error, EXIT_FAILED, "resume token is corrupt: "
		    "%s is missing, not a number, or occurs twice", name));
	if (there != NULL)
		*there = found == NVLIST_FOUND;
	return (0);
}

static int
get_name(const struct nvlist *list, struct resume_token *token,
    struct error *error)
{
	char name[2 * FS_NAME_MAX + 2];
	struct nvpair pair;
	const char *text;
	char *at;
	size_t length;

	if (nvlist_find(list, "toname", NVLIST_STRING, &pair) != NVLIST_FOUND)
		return (corrupt(error,
		    "toname is not there, not text, or there twice"));
	text = nvpair_string(list, &pair, &length);
	if (length >= sizeof(name))
		return (corrupt(error, "toname is too long"));
	memcpy(name, text, length);
	name[length] = '\0';
	at = strchr(name, '@');
	if (at == NULL)
		return (corrupt(error, "toname is no snapshot"));
	*at = '\0';
	if (!fs_name_valid_filesystem(name) || !fs_name_valid_snapshot(at + 1))
		return (corrupt(error, "toname is no valid name"));
	strlcpy(token->filesystem, name, sizeof(token->filesystem));
	strlcpy(token->snapshot, at + 1, sizeof(token->snapshot));
	return (0);
}

/* A send that leaves out blocks says so with one of these, of any type. */
static bool
is_redacted(const struct nvlist *list)
{
	static const char *const names[] = { "redact_snaps", "redact_book",
	    "book_redact_snaps" };
	struct nvpair pair;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (nvlist_find(list, names[i], NVLIST_UINT64_ARRAY, &pair) !=
		    NVLIST_ABSENT)
			return (true);
	return (false);
}

static int
read_list(const struct nvlist *list, struct resume_token *token,
    struct error *error)
{
	bool is_increment = false, unused;

	if (get_number(list, "toguid", NULL, &token->to_guid, error) == -1 ||
	    get_number(list, "object", NULL, &token->object, error) == -1 ||
	    get_number(list, "offset", NULL, &token->offset, error) == -1 ||
	    get_number(list, "bytes", &unused, &token->bytes, error) == -1 ||
	    get_number(list, "fromguid", &is_increment, &token->from_guid,
	    error) == -1)
		return (-1);
	/* A fromguid of 0 means none to zfs, which would then send everything. */
	if (token->to_guid == 0 || (is_increment && token->from_guid == 0))
		return (corrupt(error, "a guid in it is 0"));
	if (get_flags(list, &token->flags, error) == -1)
		return (-1);
	if (is_redacted(list))
		token->flags |= RESUME_TOKEN_REDACTED;
	return (get_name(list, token, error));
}

/* Hex to bytes, checked, inflated: compressed and packed have room. */
static int
unpack(const char *text, uint64_t checksum, uint64_t size,
    uint8_t *compressed, uint8_t *packed, struct error *error)
{
	const size_t length = strlen(text) / 2;

	for (size_t i = 0; i < length; i++)
		compressed[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 |
		    hex_digit(text[2 * i + 1]));
	if (!checksum_is(checksum, compressed, length))
		return (corrupt(error, "its checksum is wrong"));
	if (!inflate_exactly(packed, (size_t)size, compressed, length))
		return (corrupt(error, "it does not inflate to what it says"));
	return (0);
}

int
resume_token_decode(struct resume_token *token, const char *text,
    struct error *error)
{
	uint8_t *compressed = NULL, *packed = NULL;
	uint64_t checksum, size;
	struct nvlist list;
	int result = -1;

	memset(token, 0, sizeof(*token));
	if (!resume_token_plausible(text))
		return (error_set(error, EXIT_FAILED, "resume token is not of "
		    "the form 1-CHECKSUM-SIZE-DATA in lower-case hex, at most "
		    "%d bytes", RESUME_TOKEN_TEXT_MAX));
	text += 2;
	if (!get_hex(&text, &checksum) || !get_hex(&text, &size) ||
	    *text == '\0' || strchr(text, '-') != NULL || strlen(text) % 2 != 0)
		return (corrupt(error, "it is not 1-CHECKSUM-SIZE-DATA"));
	if (size == 0 || size > RESUME_TOKEN_PACKED_MAX)
		return (corrupt(error, "it inflates to too much or nothing"));
	compressed = malloc(strlen(text) / 2);
	packed = malloc((size_t)size);
	if (compressed == NULL || packed == NULL) {
		error_errno(error, "malloc");
		goto out;
	}
	if (unpack(text, checksum, size, compressed, packed, error) == -1)
		goto out;
	if (nvlist_parse(&list, packed, (size_t)size, error) == -1) {
		error->code = EXIT_FAILED;
		error_prefix(error, "resume token is corrupt");
		goto out;
	}
	result = read_list(&list, token, error);
out:
	free(compressed);
	free(packed);
	return (result);
}
