/* JSON <-> protobuf, for every kind of field the protocol has. */
#include <stdlib.h>

#include "message/method.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "unit.h"
#include "zrepl.pb-c.h"

static struct error error;

/*
 * As a message and printed, and through the wire and back, it is this line;
 * and a message packed as a whole has the bytes that the wire had.
 */
static void
becomes(const ProtobufCMessageDescriptor *descriptor, const char *text,
    const char *want)
{
	ProtobufCMessage *message;
	void *bytes, *packed;
	size_t size, packed_size, length;
	char *line, *printed;

	message = pbjson_parse(descriptor, NULL, text, strlen(text), &error);
	bytes = pbjson_to_wire(descriptor, NULL, text, strlen(text), &size, &error);
	if (message == NULL || bytes == NULL) {
		printf("# %s: %s\n", text, error.text);
		CHECK(!"parsed");
		return;
	}
	printed = pbjson_print(message, NULL, &error);
	line = pbjson_from_wire(descriptor, NULL, bytes, size, &length, &error);
	packed = pbjson_pack(message, &packed_size, &error);
	CHECK(printed != NULL && line != NULL && packed != NULL);
	if (line != NULL) {
		CHECK_TEXT(line, want);
		CHECK_TEXT(printed, want);
		CHECK(length == strlen(want));
		CHECK(packed_size == size && memcmp(packed, bytes, size) == 0);
	}
	free(packed);
	free(printed);
	free(line);
	free(bytes);
	pbjson_free(message);
}

static void
refused(const ProtobufCMessageDescriptor *descriptor, const char *text,
    size_t length, const char *want)
{
	ProtobufCMessage *message;
	struct error other;
	size_t size;

	message = pbjson_parse(descriptor, NULL, text, length, &error);
	if (message != NULL || pbjson_to_wire(descriptor, NULL, text, length,
	    &size, &other) != NULL) {
		printf("# accepted: %s\n", text);
		CHECK(!"refused");
		pbjson_free(message);
	} else if (strstr(error.text, want) == NULL) {
		printf("# %s: %s\n", text, error.text);
		CHECK(!"says where and why");
	}
}

/* From these bytes comes this line; NULL: an error with this text. */
static void
reads(const ProtobufCMessageDescriptor *descriptor, const char *bytes,
    size_t size, const char *want, const char *why)
{
	char *line = pbjson_from_wire(descriptor, NULL, bytes, size, NULL, &error);

	if (want == NULL) {
		CHECK(line == NULL);
		CHECK_TEXT(error.text, why);
	} else if (line == NULL)
		CHECK_TEXT(error.text, "");
	else
		CHECK_TEXT(line, want);
	free(line);
}

#define READS(descriptor, bytes, want) \
	reads(descriptor, bytes, sizeof(bytes) - 1, want, NULL)
#define UNREADABLE(descriptor, bytes, why) \
	reads(descriptor, bytes, sizeof(bytes) - 1, NULL, why)

#define REFUSED(descriptor, text, want) \
	refused(descriptor, text, sizeof(text) - 1, want)

int
main(void)
{
	TEST("strings, numbers, booleans, enums, messages and lists, in order") {
		becomes(&send_req__descriptor, "{\"To\":{\"Creation\":\"c\",\"Guid\":"
		    "\"18446744073709551615\",\"Name\":\"n\",\"Type\":\"Bookmark\","
		    "\"CreateTXG\":7},\"Filesystem\":\"a/b\",\"ReplicationConfig\":"
		    "{\"protection\":{\"Initial\":3,\"Incremental\":"
		    "\"GuaranteeResumability\"}}}",
		    "{\"Filesystem\":\"a/b\",\"To\":{\"Type\":\"Bookmark\",\"Name\":\"n\","
		    "\"Guid\":\"18446744073709551615\",\"CreateTXG\":\"7\","
		    "\"Creation\":\"c\"},\"ReplicationConfig\":{\"protection\":{"
		    "\"Initial\":\"GuaranteeNothing\",\"Incremental\":"
		    "\"GuaranteeResumability\"}}}");
		becomes(&list_filesystem_res__descriptor, "{\"Filesystems\":[{\"Path\":"
		    "\"a\",\"IsPlaceholder\":true},{\"Path\":\"b\"}]}",
		    "{\"Filesystems\":[{\"Path\":\"a\",\"IsPlaceholder\":true},"
		    "{\"Path\":\"b\"}]}");
	}
	TEST("defaults are left out, null is absent, a oneof's member stays") {
		becomes(&send_res__descriptor, "{\"UsedResumeToken\":false,"
		    "\"ExpectedSize\":0}", "{}");
		becomes(&send_req__descriptor, "{\"From\":null}", "{}");
		becomes(&list_filesystem_res__descriptor, "{\"Filesystems\":[]}", "{}");
		becomes(&replication_cursor_res__descriptor, "{\"Guid\":\"0\"}",
		    "{\"Guid\":\"0\"}");
		becomes(&replication_cursor_res__descriptor, "{\"Notexist\":true}",
		    "{\"Notexist\":true}");
	}
	TEST("numbers up to 2^64 - 1 may be given bare") {
		becomes(&send_res__descriptor,
		    "{\"ExpectedSize\": 18446744073709551615}",
		    "{\"ExpectedSize\":\"18446744073709551615\"}");
		becomes(&send_res__descriptor, "{\"ExpectedSize\":9223372036854775808}",
		    "{\"ExpectedSize\":\"9223372036854775808\"}");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":18446744073709551616}",
		    "SendRes.ExpectedSize: is not an unsigned 64-bit integer");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":-1}", "ExpectedSize");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":1.5}", "ExpectedSize");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":\"0x1\"}", "ExpectedSize");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":\"\"}", "ExpectedSize");
	}
	TEST("text keeps its escapes and its Unicode; digits in it stay text") {
		becomes(&ping_req__descriptor, "{\"Message\":\"a\\n\\\"\\u00fc"
		    "12345678901234567890\"}",
		    "{\"Message\":\"a\\n\\\"\xc3\xbc" "12345678901234567890\"}");
	}
	TEST("what is wrong is said with the field it is in") {
		REFUSED(&send_req__descriptor, "{\"To\":{\"Gid\":1}}",
		    "SendReq.To.Gid: there is no such field");
		REFUSED(&send_req__descriptor, "{\"To\":[]}", "SendReq.To: is not an object");
		REFUSED(&list_filesystem_res__descriptor,
		    "{\"Filesystems\":[{},{\"Path\":3}]}",
		    "ListFilesystemRes.Filesystems[1].Path: is not a string");
		REFUSED(&list_filesystem_res__descriptor, "{\"Filesystems\":{}}",
		    "is not an array");
		REFUSED(&send_res__descriptor, "{\"UsedResumeToken\":1}",
		    "is neither true nor false");
		REFUSED(&filesystem_version__descriptor, "{\"Type\":\"Snap\"}",
		    "there is no VersionType named \"Snap\"");
		REFUSED(&replication_cursor_res__descriptor,
		    "{\"Guid\":\"1\",\"Notexist\":true}", "excludes another field");
	}
	TEST("what is not one JSON object is refused") {
		REFUSED(&ping_req__descriptor, "", "not JSON");
		REFUSED(&ping_req__descriptor, "{", "not JSON");
		REFUSED(&ping_req__descriptor, "{} {}", "not JSON");
		REFUSED(&ping_req__descriptor, "[]", "is not an object");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"\xff\"}", "not JSON");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"a\\u0000b\"}", "NUL");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"a\",\"Message\":\"b\"}",
		    "duplicate");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"a\",}", "not JSON");
		REFUSED(&ping_req__descriptor, "{,\"Message\":\"a\"}", "not JSON");
		REFUSED(&ping_req__descriptor, "{\"Message\" \"a\"}", "a colon");
		REFUSED(&ping_req__descriptor, "{\"Message\":nul}", "not JSON");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"\\ud800\"}", "an escape");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"\\udc00\\ud800\"}",
		    "an escape");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"\\x41\"}", "an escape");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"\t\"}", "control");
		REFUSED(&ping_req__descriptor, "{\"Message\":\"a", "without an end");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":01}", "not a number");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":1.}", "not a number");
		REFUSED(&send_res__descriptor, "{\"ExpectedSize\":-}", "not a number");
		REFUSED(&list_filesystem_res__descriptor, "{\"Filesystems\":[{},]}",
		    "not JSON for ListFilesystemRes: byte 20: a value is expected");
		REFUSED(&list_filesystem_res__descriptor, "{\"Filesystems\":[{}{}]}",
		    "a comma");
	}
	TEST("what could steer a terminal is escaped, and means the same") {
		becomes(&ping_req__descriptor,
		    "{\"Message\":\"\x7f\xc2\x9b\xd8\x9c\xe2\x80\x8e\xe2\x80\xa8"
		    "\xe2\x80\xae\xe2\x81\xa6\xe2\x82\xac\xc2\xa0\\u001b\\\\\"}",
		    "{\"Message\":\"\\u007F\\u009B\\u061C\\u200E\\u2028"
		    "\\u202E\\u2066\xe2\x82\xac\xc2\xa0\\u001B\\\\\"}");
		becomes(&ping_req__descriptor, "{\"Message\":\"\\ud83d\\ude00\\/\\b\\f\"}",
		    "{\"Message\":\"\xf0\x9f\x98\x80/\\b\\f\"}");
	}
	TEST("bytes that are no message, no UTF-8 or hold a NUL are refused") {
		UNREADABLE(&ping_req__descriptor, "\n\005hi",
		    "4 bytes are not a PingReq message");
		UNREADABLE(&ping_req__descriptor, "\010\001",
		    "2 bytes are not a PingReq message");
		UNREADABLE(&ping_req__descriptor, "\n\002\xff\xfe",
		    "PingReq: Message: is not UTF-8");
		UNREADABLE(&ping_req__descriptor, "\n\003a\0b",
		    "PingReq: Message: holds a NUL character");
		UNREADABLE(&list_filesystem_res__descriptor, "\n\002\n\005",
		    "Filesystems: 2 bytes are not a Filesystem message");
		UNREADABLE(&send_req__descriptor, "\032\003\022\001\0",
		    "To: FilesystemVersion: Name: holds a NUL character");
	}
	TEST("on the wire the last of a field counts, and messages are merged") {
		READS(&ping_req__descriptor, "\n\001a\n\002bc", "{\"Message\":\"bc\"}");
		READS(&send_req__descriptor, "\032\003\022\001n\032\002\030\007",
		    "{\"To\":{\"Name\":\"n\",\"Guid\":\"7\"}}");
		READS(&replication_cursor_res__descriptor, "\010\007\020\001",
		    "{\"Notexist\":true}");
		READS(&list_filesystem_res__descriptor, "\n\0\n\003\n\001a",
		    "{\"Filesystems\":[{},{\"Path\":\"a\"}]}");
	}
	TEST("unknown fields of every type are passed over") {
		READS(&ping_req__descriptor, "\020\377\001\031" "12345678"
		    "\042\003abc\055" "1234\n\001a", "{\"Message\":\"a\"}");
		UNREADABLE(&ping_req__descriptor, "\023", "1 bytes are not a PingReq message");
		UNREADABLE(&ping_req__descriptor, "\0\0", "2 bytes are not a PingReq message");
		UNREADABLE(&ping_req__descriptor,
		    "\020\377\377\377\377\377\377\377\377\377\002",
		    "11 bytes are not a PingReq message");
	}
	TEST("fields come in the order of the descriptor, wherever they stood") {
		READS(&destroy_snapshots_req__descriptor, "\022\003\022\001s\n\001f"
		    "\022\003\022\001t", "{\"Filesystem\":\"f\",\"Snapshots\":["
		    "{\"Name\":\"s\"},{\"Name\":\"t\"}]}");
		becomes(&destroy_snapshots_req__descriptor, "{\"Snapshots\":[{\"Name\":"
		    "\"s\"}],\"Filesystem\":\"f\"}", "{\"Filesystem\":\"f\","
		    "\"Snapshots\":[{\"Name\":\"s\"}]}");
	}
	TEST("every element is checked by itself") {
		const char *text = "{\"Snapshots\":[{}]}";
		size_t size;

		CHECK(pbjson_parse(&destroy_snapshots_req__descriptor, request_check,
		    text, strlen(text), &error) == NULL);
		CHECK_TEXT(error.text, "Snapshots: Name is not the name of a "
		    "snapshot or bookmark: \"\"");
		CHECK(pbjson_to_wire(&destroy_snapshots_req__descriptor,
		    request_check, text, strlen(text), &size, &error) == NULL);
		CHECK_TEXT(error.text, "Snapshots: Name is not the name of a "
		    "snapshot or bookmark: \"\"");
	}
	TEST("every method's request and answer can be said empty") {
		for (const struct method *m = methods; m->name != NULL; m++) {
			becomes(m->request, "{}", "{}");
			becomes(m->response, "{}", "{}");
		}
	}
	TEST("100,000 versions go through") {
		const size_t count = 100000;
		ListFilesystemVersionsRes list = LIST_FILESYSTEM_VERSIONS_RES__INIT;
		FilesystemVersion version = FILESYSTEM_VERSION__INIT;
		FilesystemVersion **versions = calloc(count, sizeof(*versions));
		ProtobufCMessage *again;
		size_t length;
		char *line;

		version.name = (char *)(uintptr_t)"name";
		version.guid = UINT64_MAX;
		version.creation = (char *)(uintptr_t)"2024-01-02T00:00:00Z";
		for (size_t i = 0; i < count; i++)
			versions[i] = &version;
		list.versions = versions;
		list.n_versions = count;
		line = pbjson_print(&list.base, &length, &error);
		again = pbjson_parse(&list_filesystem_versions_res__descriptor,
		    request_check, line, length, &error);
		CHECK(again != NULL &&
		    ((ListFilesystemVersionsRes *)again)->n_versions == count);
		pbjson_free(again);
		free(line);
		free(versions);
	}
	return (unit_end());
}
