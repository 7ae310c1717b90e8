#include "transport/client_table.h"
#include "unit.h"

/* A table that holds clients 1 to count of one address, all new, 1 ms apart. */
static void
fill(struct client_table *table, const struct client_caps *caps, pid_t count)
{
	CHECK(client_table_init(table, caps) == 0);
	for (pid_t pid = 1; pid <= count; pid++)
		CHECK(client_table_add(table, pid, 100 + pid, "192.0.2.1",
		    "", pid) != NULL);
}

/* Past its handshake: zr-listen closes the pipe and says so with -1. */
static void
greeted(struct client_table *table, pid_t pid)
{
	client_table_find(table, pid)->handshake = -1;
}

int
main(void)
{
	struct client_table table;
	struct client *oldest;

	TEST("below every cap a client is taken, and found by its process") {
		const struct client_caps caps = { .all = 3, .new = 3 };

		fill(&table, &caps, 2);
		CHECK(client_table_opens(&table) == 0);
		CHECK(client_table_judge(&table, "192.0.2.1", "", &oldest) == CLIENT_TAKE);
		CHECK(client_table_find(&table, 2)->since == 2);
		CHECK_TEXT(client_table_find(&table, 2)->address, "192.0.2.1");
		CHECK(client_table_find(&table, 3) == NULL);
		client_table_free(&table);
	}
	TEST("at the cap on new ones the oldest makes room, in its time") {
		const struct client_caps caps = { .all = 10, .new = 3 };

		fill(&table, &caps, 3);
		CHECK(client_table_opens(&table) == 1 + CLIENT_NEW_MS);
		CHECK(client_table_judge(&table, "", "", &oldest) ==
		    CLIENT_TAKE_EVICTING);
		CHECK(oldest->pid == 1);
		greeted(&table, 1);
		CHECK(client_table_opens(&table) == 0);
		CHECK(client_table_judge(&table, "", "", &oldest) == CLIENT_TAKE);
		client_table_add(&table, 4, 104, "", "", 4);
		CHECK(client_table_judge(&table, "", "", &oldest) ==
		    CLIENT_TAKE_EVICTING);
		CHECK(oldest->pid == 2);
		client_table_free(&table);
	}
	TEST("who was told to go is not told twice, and holds no place") {
		const struct client_caps caps = { .all = 3, .new = 3 };

		fill(&table, &caps, 3);
		client_table_find(&table, 1)->evicted = true;
		CHECK(client_table_judge(&table, "", "", &oldest) == CLIENT_TAKE);
		client_table_add(&table, 4, 104, "", "", 4);
		CHECK(client_table_judge(&table, "", "", &oldest) ==
		    CLIENT_TAKE_EVICTING);
		CHECK(oldest->pid == 2);
		client_table_free(&table);
	}
	TEST("at the cap on all, a new one makes room, others stay") {
		const struct client_caps caps = { .all = 2, .new = 2 };

		fill(&table, &caps, 2);
		greeted(&table, 1);
		CHECK(client_table_opens(&table) == 2 + CLIENT_NEW_MS);
		CHECK(client_table_judge(&table, "", "", &oldest) ==
		    CLIENT_TAKE_EVICTING);
		CHECK(oldest->pid == 2);
		greeted(&table, 2);
		CHECK(client_table_opens(&table) == INT64_MAX);
		CHECK(client_table_judge(&table, "", "", &oldest) == CLIENT_WAIT);
		client_table_remove(&table, client_table_find(&table, 1));
		CHECK(client_table_opens(&table) == 0);
		CHECK(client_table_judge(&table, "", "", &oldest) == CLIENT_TAKE);
		client_table_free(&table);
	}
	TEST("the cap on one address is no other's") {
		const struct client_caps caps = { .all = 9, .new = 9, .per_address = 2 };

		fill(&table, &caps, 2);
		greeted(&table, 1);
		CHECK(client_table_judge(&table, "192.0.2.1", "", &oldest) ==
		    CLIENT_REFUSE);
		CHECK(client_table_judge(&table, "192.0.2.2", "", &oldest) == CLIENT_TAKE);
		client_table_find(&table, 2)->evicted = true;
		CHECK(client_table_judge(&table, "192.0.2.1", "", &oldest) == CLIENT_TAKE);
		client_table_free(&table);
	}
	TEST("evicted ones that do not go fill the table: nothing is accepted") {
		const struct client_caps caps = { .all = 2, .new = 2 };

		fill(&table, &caps, 4);
		for (pid_t pid = 1; pid <= 4; pid++)
			client_table_find(&table, pid)->evicted = true;
		CHECK(client_table_opens(&table) == INT64_MAX);
		CHECK(client_table_add(&table, 5, -1, "", "", 5) == NULL);
		client_table_free(&table);
	}
	TEST("an identity has its own cap, wherever its connections come from") {
		const struct client_caps caps = { .all = 9, .new = 9, .per_identity = 2 };

		fill(&table, &caps, 3);
		client_table_add(&table, 4, 104, "192.0.2.1", "web", 4);
		client_table_add(&table, 5, 105, "192.0.2.2", "web", 5);
		CHECK(client_table_judge(&table, "192.0.2.3", "web", &oldest) ==
		    CLIENT_REFUSE);
		CHECK(client_table_judge(&table, "192.0.2.1", "db", &oldest) ==
		    CLIENT_TAKE);
		CHECK(client_table_judge(&table, "192.0.2.1", "", &oldest) ==
		    CLIENT_TAKE);
		CHECK(client_table_count(&table, "192.0.2.1", "") == 3);
		client_table_free(&table);
	}
	TEST("an identity that becomes known later counts from then on") {
		const struct client_caps caps = { .all = 9, .new = 9, .per_identity = 2 };

		fill(&table, &caps, 4);
		CHECK(client_table_identify(&table, client_table_find(&table, 1), "web"));
		CHECK(client_table_identify(&table, client_table_find(&table, 2), "web"));
		CHECK(client_table_identify(&table, client_table_find(&table, 2), "web"));
		CHECK(!client_table_identify(&table, client_table_find(&table, 3), "web"));
		CHECK(client_table_find(&table, 3)->evicted);
		CHECK(client_table_identify(&table, client_table_find(&table, 4), "db"));
		CHECK(client_table_count(&table, "", "web") == 2);
		client_table_free(&table);
	}
	TEST("ten thousand that come and go leave an empty table") {
		const struct client_caps caps = { .all = 2, .new = 1 };

		fill(&table, &caps, 0);
		for (pid_t pid = 1; pid <= 10000; pid++) {
			CHECK(client_table_add(&table, pid, 9, "x", "", pid) != NULL);
			client_table_remove(&table, client_table_find(&table, pid));
		}
		CHECK(table.count == 0);
		CHECK(client_table_judge(&table, "x", "", &oldest) == CLIENT_TAKE);
		client_table_free(&table);
	}
	return (unit_end());
}
