/* The pure parts of gRPC: statuses, percent-coding, timeouts, messages. */
#include <stdint.h>

#include "rpc/grpc_message.h"
#include "rpc/grpc_status.h"
#include "rpc/grpc_timeout.h"
#include "unit.h"

static const char *
encode(const char *text)
{
	static char out[64];

	grpc_percent_encode(out, sizeof(out), text);
	return (out);
}

static const char *
decode(const char *text)
{
	static char out[64];

	grpc_percent_decode(out, (const uint8_t *)text, strlen(text));
	return (out);
}

static int64_t
timeout(const char *text)
{
	return (grpc_timeout_parse((const uint8_t *)text, strlen(text)));
}

static const char *
format(int64_t milliseconds)
{
	static char out[GRPC_TIMEOUT_SIZE];

	grpc_timeout_format(out, milliseconds);
	return (out);
}

int
main(void)
{
	static const uint8_t wire[] = { 0, 0, 0, 0, 3, 'a', 'b', 'c' };
	struct grpc_message message;
	struct error error;
	char small[6];

	TEST("a message is percent-encoded as the recordings have it") {
		CHECK_TEXT(encode("caf\xc3\xa9\nsecond line%"),
		    "caf%C3%A9%0Asecond line%25");
		CHECK_TEXT(encode(""), "");
	}
	TEST("what does not fit is cut between characters") {
		grpc_percent_encode(small, sizeof(small), "ab\xc3\xa9");
		CHECK_TEXT(small, "ab");
		grpc_percent_encode(small, sizeof(small), "abcdefgh");
		CHECK_TEXT(small, "abcde");
	}
	TEST("decoding leaves what is no escape, and always gives UTF-8") {
		CHECK_TEXT(decode("caf%C3%a9%0Ax"), "caf\xc3\xa9\nx");
		CHECK_TEXT(decode("100%"), "100%");
		CHECK_TEXT(decode("%4"), "%4");
		CHECK_TEXT(decode("%zz%"), "%zz%");
		CHECK_TEXT(decode("%ff%00"), "??");
	}
	TEST("statuses have gRPC's names") {
		CHECK_TEXT(grpc_status_name(GRPC_UNIMPLEMENTED), "UNIMPLEMENTED");
		CHECK_TEXT(grpc_status_name(GRPC_UNAUTHENTICATED), "UNAUTHENTICATED");
		CHECK_TEXT(grpc_status_name((enum grpc_status)99), "STATUS 99");
		CHECK(grpc_status_parse((const uint8_t *)"12", 2) == GRPC_UNIMPLEMENTED);
		CHECK(grpc_status_parse((const uint8_t *)"-1", 2) == GRPC_UNKNOWN);
		CHECK(grpc_status_parse((const uint8_t *)"", 0) == GRPC_UNKNOWN);
	}
	TEST("timeouts are read in every unit and rounded up") {
		CHECK(timeout("2H") == 7200000);
		CHECK(timeout("3M") == 180000);
		CHECK(timeout("10S") == 10000);
		CHECK(timeout("497525u") == 498);
		CHECK(timeout("1n") == 1);
		CHECK(timeout("99999999H") == 359999996400000);
		CHECK(timeout("0m") == 0);
	}
	TEST("what is no timeout is refused") {
		CHECK(timeout("") == -1);
		CHECK(timeout("S") == -1);
		CHECK(timeout("123456789S") == -1);
		CHECK(timeout("-1S") == -1);
		CHECK(timeout("5") == -1);
		CHECK(timeout("5x") == -1);
	}
	TEST("timeouts are written in the finest unit with eight digits") {
		CHECK_TEXT(format(500), "500000u");
		CHECK_TEXT(format(100000), "100000m");
		CHECK_TEXT(format(604800000), "604800S");
		CHECK_TEXT(format(-5), "0u");
		CHECK(strlen(format(INT64_MAX)) <= 9);
	}
	TEST("a message comes together from any two pieces") {
		for (size_t cut = 0; cut <= sizeof(wire); cut++) {
			message = GRPC_MESSAGE_EMPTY(3);
			CHECK(grpc_message_append(&message, wire, cut,
			    &error) == GRPC_OK);
			CHECK(grpc_message_complete(&message) ==
			    (cut == sizeof(wire)));
			CHECK(grpc_message_append(&message, wire + cut,
			    sizeof(wire) - cut, &error) == GRPC_OK);
			CHECK(grpc_message_complete(&message));
			CHECK(memcmp(buffer_front(&message.payload), "abc", 3) == 0);
			grpc_message_free(&message);
		}
	}
	TEST("a message over the limit is refused by its prefix, in zrepl's words") {
		message = GRPC_MESSAGE_EMPTY(2);
		CHECK(grpc_message_append(&message, wire, 5, &error) ==
		    GRPC_RESOURCE_EXHAUSTED);
		CHECK_TEXT(error.text,
		    "grpc: received message larger than max (3 vs. 2)");
		grpc_message_free(&message);
	}
	TEST("a compressed message, a wrong flag and a second message are refused") {
		message = GRPC_MESSAGE_EMPTY(9);
		CHECK(grpc_message_append(&message, (const uint8_t *)"\1\0\0\0\0",
		    5, &error) == GRPC_INTERNAL);
		message = GRPC_MESSAGE_EMPTY(9);
		CHECK(grpc_message_append(&message, (const uint8_t *)"\2\0\0\0\0",
		    5, &error) == GRPC_INTERNAL);
		message = GRPC_MESSAGE_EMPTY(9);
		CHECK(grpc_message_append(&message, wire, sizeof(wire),
		    &error) == GRPC_OK);
		CHECK(grpc_message_append(&message, wire, 1, &error) == GRPC_INTERNAL);
		grpc_message_free(&message);
	}
	return (unit_end());
}
