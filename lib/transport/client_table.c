#include <stdlib.h>
#include <string.h>

#include "transport/client_table.h"

int
client_table_init(struct client_table *table, const struct client_caps *caps)
{
	*table = (struct client_table){ .caps = *caps };
	/* Evicted clients hold their entry until they have ended. */
	table->size = caps->all + caps->new;
	table->clients = calloc(table->size, sizeof(*table->clients));
	return (table->clients == NULL ? -1 : 0);
}

void
client_table_free(struct client_table *table)
{
	free(table->clients);
	table->clients = NULL;
}

static size_t
count_new(const struct client_table *table, struct client **oldest)
{
	size_t count = 0;

	*oldest = NULL;
	for (struct client *c = table->clients; c < table->clients + table->size; c++) {
		if (c->pid == 0 || c->handshake == -1 || c->evicted)
			continue;
		count++;
		if (*oldest == NULL || c->since < (*oldest)->since)
			*oldest = c;
	}
	return (count);
}

static size_t
count_staying(const struct client_table *table)
{
	size_t count = 0;

	for (struct client *c = table->clients; c < table->clients + table->size; c++)
		count += c->pid != 0 && !c->evicted;
	return (count);
}

size_t
client_table_count(const struct client_table *table, const char *address,
    const char *identity)
{
	size_t count = 0;

	for (struct client *c = table->clients; c < table->clients + table->size; c++)
		count += c->pid != 0 && !c->evicted &&
		    strcmp(c->identity, identity) == 0 &&
		    (*identity != '\0' || strcmp(c->address, address) == 0);
	return (count);
}

static bool
has_enough(const struct client_table *table, const char *address,
    const char *identity)
{
	const size_t cap = *identity != '\0' ? table->caps.per_identity :
	    table->caps.per_address;

	return (cap != 0 && client_table_count(table, address, identity) >= cap);
}

/* Is there a place for one more?  If not, evicting *oldest (or NULL) makes one. */
static bool
has_place(const struct client_table *table, struct client **oldest)
{
	return (count_new(table, oldest) < table->caps.new &&
	    count_staying(table) < table->caps.all);
}

int64_t
client_table_opens(const struct client_table *table)
{
	struct client *oldest;

	if (table->count == table->size)
		return (INT64_MAX);
	if (has_place(table, &oldest))
		return (0);
	return (oldest != NULL ? oldest->since + CLIENT_NEW_MS : INT64_MAX);
}

enum client_verdict
client_table_judge(const struct client_table *table, const char *address,
    const char *identity, struct client **oldest)
{
	const bool place = has_place(table, oldest);

	if (has_enough(table, address, identity))
		return (CLIENT_REFUSE);
	if (!place)
		return (*oldest != NULL ? CLIENT_TAKE_EVICTING : CLIENT_WAIT);
	return (CLIENT_TAKE);
}

struct client *
client_table_add(struct client_table *table, pid_t pid, int handshake,
    const char *address, const char *identity, int64_t now)
{
	for (struct client *c = table->clients; c < table->clients + table->size; c++) {
		if (c->pid != 0)
			continue;
		*c = (struct client){ .pid = pid, .handshake = handshake,
		    .since = now };
		strlcpy(c->address, address, sizeof(c->address));
		strlcpy(c->identity, identity, sizeof(c->identity));
		table->count++;
		return (c);
	}
	return (NULL);
}

bool
client_table_identify(struct client_table *table, struct client *client,
    const char *identity)
{
	client->evicted |= strcmp(client->identity, identity) != 0 &&
	    has_enough(table, client->address, identity);
	strlcpy(client->identity, identity, sizeof(client->identity));
	return (!client->evicted);
}

struct client *
client_table_find(const struct client_table *table, pid_t pid)
{
	for (struct client *c = table->clients; c < table->clients + table->size; c++)
		if (c->pid == pid)
			return (c);
	return (NULL);
}

void
client_table_remove(struct client_table *table, struct client *client)
{
	*client = (struct client){ .pid = 0, .handshake = -1 };
	table->count--;
}
