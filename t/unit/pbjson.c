/* JSON <-> protobuf, for every kind of field the protocol has. */
#include <stdlib.h>

#include "message/method.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "unit.h"
#include "zrepl.pb-c.h"

static struct error error;

/* Through the wire and back, it is this line. */
static void
becomes(const ProtobufCMessageDescriptor *descriptor, const char *text,
    const char *want)
{
	ProtobufCMessage *message, *again;
	void *bytes;
	size_t length;
	char *line;

	message = pbjson_parse(descriptor, text, strlen(text), &error);
	if (message == NULL) {
		printf("# %s: %s\n", text, error.text);
		CHECK(!"parsed");
		return;
	}
	CHECK(pbjson_pack(message, &bytes, &length, &error) == 0);
	again = pbjson_unpack(descriptor, bytes, length, &error);
	CHECK(again != NULL);
	line = again != NULL ? pbjson_print(again, NULL, &error) : NULL;
	if (line != NULL)
		CHECK_TEXT(line, want);
	free(line);
	free(bytes);
	protobuf_c_message_free_unpacked(message, NULL);
	if (again != NULL)
		protobuf_c_message_free_unpacked(again, NULL);
}

static void
refused(const ProtobufCMessageDescriptor *descriptor, const char *text,
    size_t length, const char *want)
{
	ProtobufCMessage *message;

	message = pbjson_parse(descriptor, text, length, &error);
	if (message != NULL) {
		printf("# accepted: %s\n", text);
		CHECK(!"refused");
		protobuf_c_message_free_unpacked(message, NULL);
	} else if (strstr(error.text, want) == NULL) {
		printf("# %s: %s\n", text, error.text);
		CHECK(!"says where and why");
	}
}

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
		REFUSED(&ping_req__descriptor, "[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]",
		    "nested too deeply");
	}
	TEST("bytes that are no message, and text that is not UTF-8, are refused") {
		CHECK(pbjson_unpack(&ping_req__descriptor, "\n\005hi", 4, &error) == NULL);
		CHECK(pbjson_unpack(&ping_req__descriptor, "\n\002\xff\xfe", 4,
		    &error) == NULL);
		CHECK(strstr(error.text, "is not UTF-8") != NULL);
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
		again = pbjson_parse(&list_filesystem_versions_res__descriptor, line,
		    length, &error);
		CHECK(again != NULL &&
		    ((ListFilesystemVersionsRes *)again)->n_versions == count);
		CHECK(again != NULL && request_check(again, &error) == 0);
		protobuf_c_message_free_unpacked(again, NULL);
		free(line);
		free(versions);
	}
	return (unit_end());
}
