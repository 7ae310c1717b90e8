/* The version banner and the label, every input also cut at every byte. */
#include "transport/banner.h"
#include "transport/extension.h"
#include "transport/label.h"
#include "unit.h"

static struct error error;

/*
 * Read as zr-handshake does: only as many bytes as are surely missing, from a
 * stream that goes on behind the banner.  Returns how many were taken, or -1.
 */
static long
take(const char *stream, size_t size, size_t piece, struct banner *banner)
{
	size_t have = 0, missing, step;

	for (;;) {
		if (banner_missing(stream, have, &missing, &error) == -1)
			return (-1);
		if (missing == 0)
			break;
		step = missing < piece ? missing : piece;
		if (have + step > size) {
			error_set(&error, EXIT_PROTOCOL, "too short");
			return (-1);
		}
		have += step;
	}
	return (banner_parse(banner, stream, have, &error) == -1 ? -1 : (long)have);
}

static void
accepts(const char *text, int version, int extensions)
{
	char stream[512];
	struct banner banner;
	const size_t length = strlen(text);

	snprintf(stream, sizeof(stream), "%szrepl_data", text);
	for (size_t piece = 1; piece <= length; piece++) {
		CHECK(take(stream, strlen(stream), piece, &banner) == (long)length);
		CHECK(banner.version == version);
		CHECK(banner.extension_count == extensions);
	}
	/* Cut anywhere it is not there yet, and nothing worse. */
	for (size_t cut = 0; cut < length; cut++)
		CHECK(take(stream, cut, 1, &banner) == -1 &&
		    strcmp(error.text, "too short") == 0);
}

static void
refuses(const char *text, size_t length, const char *why)
{
	struct banner banner;

	CHECK(take(text, length, 1, &banner) == -1);
	if (strstr(error.text, why) == NULL) {
		printf("# \"%s\": %s\n", text, error.text);
		CHECK(!"says why");
	}
}

#define REFUSES(text, why) refuses(text, sizeof(text) - 1, why)

int
main(void)
{
	struct banner banner;
	char bytes[LABEL_SIZE], label[LABEL_SIZE + 1], longest[80];
	char ours[BANNER_OURS_MAX];

	TEST("our banner is the protocol's, and is read without a byte too many") {
		banner_ours(ours, NULL);
		CHECK_TEXT(ours, "0000000056 ZREPL_ZFS_REPLICATION "
		    "PROTOVERSION=0007 EXTENSIONS=0000\n");
		accepts(ours, 7, 0);
	}
	TEST("our banner with an extension is understood, and has no other") {
		banner_ours(ours, EXTENSION_ZSTD);
		CHECK_TEXT(ours, "0000000066 ZREPL_ZFS_REPLICATION "
		    "PROTOVERSION=0007 EXTENSIONS=0001\nzr-zstd-1\n");
		accepts(ours, 7, 1);
		CHECK(banner_parse(&banner, ours, strlen(ours), &error) == 0);
		CHECK(extension_in_banner(&banner, "zr-zstd-1"));
		CHECK(!extension_in_banner(&banner, "zr-zstd-"));
		CHECK(!extension_in_banner(&banner, "zr-zstd-10"));
		CHECK(!extension_in_banner(&banner, "r-zstd-1"));
	}
	TEST("an extension is agreed upon if it is a word of the environment") {
		CHECK(extension_export(NULL) == 0 && !extension_agreed("zr-zstd-1"));
		CHECK(extension_export("zr-zstd-1") == 0 &&
		    extension_agreed("zr-zstd-1"));
		CHECK(!extension_agreed("zr-zstd") && !extension_agreed("zr-zstd-10"));
		CHECK(extension_export("a zr-zstd-1 b") == 0 &&
		    extension_agreed("zr-zstd-1") && extension_agreed("b"));
		CHECK(extension_export("") == 0 && !extension_agreed("zr-zstd-1"));
	}
	TEST("extensions are counted and passed over") {
		accepts("0000000064 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 "
		    "EXTENSIONS=0002\nfoo\nbar\n", 7, 2);
		accepts("0000000057 ZREPL_ZFS_REPLICATION PROTOVERSION=0009 "
		    "EXTENSIONS=0001\n\n", 9, 1);
	}
	TEST("each malformed banner has its own words") {
		REFUSES("SSH-2.0-OpenSSH", "does not begin with a length");
		REFUSES("000000005x ", "does not begin with a length");
		REFUSES("0000000056_", "no blank after its length");
		REFUSES("0000065537 ", "more than 65536");
		REFUSES("9999999999 ", "more than 65536");
		REFUSES("0000000000 ", "not zrepl's");
		REFUSES("0000000004 abcd", "not zrepl's");
		REFUSES("0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=7000 "
		    "EXTENSIONS=00x0\n", "malformed");
		REFUSES("0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0000 "
		    "EXTENSIONS=0000\n", "version 0");
		REFUSES("0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 "
		    "EXTENSIONS=9999\n", "too many extensions");
		REFUSES("0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 "
		    "EXTENSIONS=0001\n", "announces 1 extensions and has 0");
		REFUSES("0000000058 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 "
		    "EXTENSIONS=0000\na\n", "announces 0 extensions and has 1");
		REFUSES("0000000057 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 "
		    "EXTENSIONS=0000\na", "bytes after its last line");
		REFUSES("0000000058 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 "
		    "EXTENSIONS=0001\n\xff\n", "not UTF-8");
	}
	TEST("another version is named beside ours") {
		banner = (struct banner){ .version = 6 };
		CHECK(banner_check(&banner, &error) == -1);
		CHECK_TEXT(error.text,
		    "the peer speaks protocol version 6, we speak version 7");
	}
	TEST("a label is 64 bytes, padded with NUL") {
		CHECK(label_encode(bytes, LABEL_DATA, &error) == 0);
		CHECK(memcmp(bytes, "zrepl_data\0\0", 12) == 0 && bytes[63] == 0);
		CHECK(label_decode(label, bytes, &error) == 0);
		CHECK_TEXT(label, "zrepl_data");
		memset(longest, 'x', 64);
		longest[64] = '\0';
		CHECK(label_encode(bytes, longest, &error) == 0);
		CHECK(label_decode(label, bytes, &error) == 0);
		CHECK_TEXT(label, longest);
	}
	TEST("what is no label is neither written nor read") {
		longest[64] = 'x';
		longest[65] = '\0';
		CHECK(label_encode(bytes, longest, &error) == -1);
		CHECK(label_encode(bytes, "", &error) == -1);
		CHECK(label_encode(bytes, "a b", &error) == -1);
		memset(bytes, 0, sizeof(bytes));
		CHECK(label_decode(label, bytes, &error) == -1);
		bytes[0] = 'a';
		bytes[2] = 'b';
		CHECK(label_decode(label, bytes, &error) == -1);
		bytes[1] = '\n';
		CHECK(label_decode(label, bytes, &error) == -1);
	}
	return (unit_end());
}
