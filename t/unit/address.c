#include "transport/address.h"
#include "unit.h"

int
main(void)
{
	struct address address;
	struct error error;

	TEST("hosts, IPv6 in brackets with a zone, ports and services") {
		CHECK(address_parse(&address, "tcp:backup.example:8888", &error) == 0);
		CHECK_TEXT(address.host, "backup.example");
		CHECK_TEXT(address.port, "8888");
		CHECK(address.port_number == 8888);
		CHECK(address_parse(&address, "tcp:h:65535", &error) == 0);
		CHECK(address.port_number == 65535);
		CHECK(address_parse(&address, "tcp:[fe80::1%eth0]:zrepl", &error) == 0);
		CHECK_TEXT(address.host, "fe80::1%eth0");
		CHECK_TEXT(address.port, "zrepl");
		CHECK(address.port_number == -1);
		CHECK(address_parse(&address, "tcp:h:9p-fs", &error) == 0);
		CHECK(address.port_number == -1);
		CHECK(address_parse(&address, "tcp::0", &error) == 0);
		CHECK_TEXT(address.host, "");
	}
	TEST("unix paths and commands are taken as they stand") {
		CHECK(address_parse(&address, "unix:/run/a b:c", &error) == 0);
		CHECK_TEXT(address.path, "/run/a b:c");
		CHECK(address_parse(&address, "exec:ssh host 'a b'", &error) == 0);
		CHECK_TEXT(address.path, "ssh host 'a b'");
	}
	TEST("what is no address is refused") {
		static const char *const bad[] = { "", "host:1", "tcp:", "tcp:host",
		    "tcp:host:", "tcp:::1:80", "tcp:[::1]", "tcp:[::1", "tcp:[::1]80",
		    "tcp:[host]:80", "tcp:a b:80", "unix:", "exec:", "exec:-c", "tcp:-h:1",
		    "tcp:h:65536", "tcp:h:84424", "tcp:h:4294967297",
		    "tcp:h:18446744073709551617", "tcp:h:-1", "tcp:h:+80",
		    "tcp:h: 80", "tcp:h:80 ", "tcp:h:80,81", "tcp:h:-x",
		    "tcp:h:1234567890123456789012345678901234" };
		char path[200] = "unix:/";

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			CHECK(address_parse(&address, bad[i], &error) == -1);
		memset(path + 6, 'x', 150);
		CHECK(address_parse(&address, path, &error) == -1);
	}
	return (unit_end());
}
