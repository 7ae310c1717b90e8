#include "transport/identity_table.h"
#include "unit.h"

static struct identity_table *table;
static struct error error;

static void
finds(const char *address, const char *want)
{
	char identity[IDENTITY_MAX + 1] = "";

	if (identity_table_find(table, address, identity, &error) == -1)
		strcpy(identity, "none");
	CHECK_TEXT(identity, want);
}

static void
refuses(const char *entry)
{
	struct identity_table *one = identity_table_new();

	if (identity_table_add(one, entry, &error) == 0) {
		printf("# accepted: %s\n", entry);
		CHECK(!"refused");
	}
	identity_table_free(one);
}

int
main(void)
{
	static const char lines[] = "# comment\n\n10.0.0.1=web\n10.0.0.0/8=lan-*\n"
	    "10.1.0.0/16=lan1-*\n0.0.0.0/0=world-*\n2001:db8::/32=six-*\n"
	    "::/0=any6-*\nfe80::/16%eth1=link-*\nfe80::2%eth1=two\nunix=local\n"
	    "::ffff:192.0.2.1=mapped\n";

	table = identity_table_new();
	TEST("a file of entries is read") {
		CHECK(identity_table_add_lines(table, lines, sizeof(lines) - 1,
		    &error) == 0);
	}
	TEST("the longest prefix wins, an address beats every prefix") {
		finds("10.0.0.1", "web");
		finds("10.0.0.2", "lan-10.0.0.2");
		finds("10.1.2.3", "lan1-10.1.2.3");
		finds("11.1.2.3", "world-11.1.2.3");
		finds("2001:db8::1", "six-2001:db8::1");
		finds("2001:db9::1", "any6-2001:db9::1");
	}
	TEST("v4-mapped is IPv4, and no IPv6 prefix matches it") {
		finds("::ffff:10.0.0.1", "web");
		finds("192.0.2.1", "mapped");
		finds("::ffff:11.0.0.1", "world-11.0.0.1");
	}
	TEST("zones must be equal") {
		finds("fe80::1%eth1", "link-fe80::1-eth1");
		finds("fe80::2%eth1", "two");
		finds("fe80::1%eth2", "none");
		finds("fe80::1", "any6-fe80::1");
	}
	TEST("clients of a unix socket have a key of their own") {
		finds("", "local");
	}
	TEST("what is no entry is refused") {
		refuses("");
		refuses("=web");
		refuses("10.0.0.1");
		refuses("10.0.0.1=");
		refuses("10.0.0.1=we*b");
		refuses("10.0.0.0/8=web");
		refuses("10.0.0.0/8=*-*");
		refuses("10.0.0.0/33=x*");
		refuses("10.0.0.0/=x*");
		refuses("10.0.0.0/-1=x*");
		refuses("fe80::%eth1/16=x*");
		refuses("::1=a/b");
		refuses("::1=..");
		refuses("host.example=web");
		refuses("unix=x*");
	}
	TEST("a * far behind the longest identity is refused, not written to") {
		char entry[400] = "10.0.0.0/8=";

		memset(entry + strlen(entry), 'x', 300);
		strcat(entry, "*");
		refuses(entry);
	}
	TEST("an empty table finds nothing") {
		struct identity_table *empty = identity_table_new();
		char identity[IDENTITY_MAX + 1];

		CHECK(identity_table_find(empty, "10.0.0.1", identity, &error) == -1);
		identity_table_free(empty);
	}
	TEST("a key given twice, and errors in a file by line") {
		CHECK(identity_table_add(table, "10.0.0.1=other", &error) == -1);
		CHECK(identity_table_add_lines(table, "\n\nbad\n", 6, &error) == -1);
		CHECK(strncmp(error.text, "line 3: ", 8) == 0);
	}
	identity_table_free(table);
	return (unit_end());
}
