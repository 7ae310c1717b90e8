#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/fs_name.h"
#include "format/zrepl_name.h"

#define GUID_DIGITS 16
#define PLACEHOLDER_HASH_SIZE 32	/* bytes of a digest */

static const char *const cursor_prefixes[] = {
	[ZREPL_CURSOR] = "zrepl_CURSOR_G_",
	[ZREPL_TENTATIVE_CURSOR] = "zrepl_CURSORTENTATIVE__G_"
};
static const char job_infix[] = "_J_";

bool
zrepl_job_valid(const char *job)
{
	return (strlen(job) <= ZREPL_JOB_MAX && fs_name_valid_snapshot(job));
}

void
zrepl_hold_tag(char tag[ZREPL_NAME_SIZE], const char *prefix, const char *job)
{
	snprintf(tag, ZREPL_NAME_SIZE, "%s%s", prefix, job);
}

void
zrepl_cursor_name(char name[ZREPL_NAME_SIZE], enum zrepl_cursor kind,
    uint64_t guid, const char *job)
{
	snprintf(name, ZREPL_NAME_SIZE, "%s%016" PRIx64 "%s%s",
	    cursor_prefixes[kind], guid, job_infix, job);
}

bool
zrepl_cursor_parse(const char *name, enum zrepl_cursor *kind, uint64_t *guid,
    const char **job)
{
	char digits[GUID_DIGITS + 1];
	size_t length;

	for (int i = ZREPL_CURSOR; i <= ZREPL_TENTATIVE_CURSOR; i++) {
		length = strlen(cursor_prefixes[i]);
		if (strncmp(name, cursor_prefixes[i], length) != 0)
			continue;
		name += length;
		if (strspn(name, "0123456789abcdef") != GUID_DIGITS)
			return (false);
		memcpy(digits, name, GUID_DIGITS);
		digits[GUID_DIGITS] = '\0';
		name += GUID_DIGITS;
		if (strncmp(name, job_infix, strlen(job_infix)) != 0)
			return (false);
		*kind = (enum zrepl_cursor)i;
		*guid = strtoull(digits, NULL, 16);
		*job = name + strlen(job_infix);
		return (zrepl_job_valid(*job));
	}
	return (false);
}

/*
 * SHA-512/256 (FIPS 180-4) is SHA-512 that begins elsewhere and ends earlier.
 * libcrypto has it as such, and takes longer to load than everything else
 * that an endpoint does.
 */
static void
sha512_256(uint8_t digest[SHA512_DIGEST_LENGTH], const char *text)
{
	static const uint64_t begin[] = {
		0x22312194fc2bf72c, 0x9f555fa3c84c64c2,
		0x2393b86b6f53b151, 0x963877195940eabd,
		0x96283ee2a88effe3, 0xbe5e1e2553863992,
		0x2b0199fc2c85b8aa, 0x0eb72ddc81c52ca2
	};
	SHA2_CTX context;

	SHA512Init(&context);
	memcpy(context.state.st64, begin, sizeof(begin));
	SHA512Update(&context, (const uint8_t *)text, strlen(text));
	SHA512Final(digest, &context);
}

bool
zrepl_placeholder_set(const char *value, const char *dataset)
{
	uint8_t digest[SHA512_DIGEST_LENGTH];
	char hash[2 * PLACEHOLDER_HASH_SIZE + 1];

	if (strcmp(value, "on") == 0)
		return (true);
	sha512_256(digest, dataset);
	for (size_t i = 0; i < PLACEHOLDER_HASH_SIZE; i++)
		snprintf(hash + 2 * i, 3, "%02x", digest[i]);
	return (strcmp(value, hash) == 0);
}
