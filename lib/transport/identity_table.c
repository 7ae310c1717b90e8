#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "transport/identity_table.h"

struct place {
	bool local;			/* a unix socket */
	bool four;			/* IPv4, kept v4-mapped */
	uint8_t address[16];
	unsigned int bits;		/* of the prefix, 0..128 */
	char zone[IF_NAMESIZE];
};

struct entry {
	struct place place;
	bool prefix;
	char identity[IDENTITY_MAX + 1];
};

struct identity_table {
	struct entry *entries;
	size_t count, capacity;
};

struct identity_table *
identity_table_new(void)
{
	return (calloc(1, sizeof(struct identity_table)));
}

void
identity_table_free(struct identity_table *table)
{
	if (table == NULL)
		return;
	free(table->entries);
	free(table);
}

/* ADDRESS[/BITS][%zone]; *prefix says whether BITS were given. */
static bool
parse_place(struct place *place, const char *text, bool *prefix)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[INET6_ADDRSTRLEN + IF_NAMESIZE + 8], *slash, *percent;
	uint64_t bits;

	memset(place, 0, sizeof(*place));
	*prefix = false;
	if (*text == '\0' || strcmp(text, "unix") == 0) {
		place->local = true;
		return (true);
	}
	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return (false);
	percent = strchr(copy, '%');
	if (percent != NULL) {
		*percent++ = '\0';
		if (*percent == '\0' || strchr(percent, '/') != NULL ||
		    strlcpy(place->zone, percent, sizeof(place->zone)) >=
		    sizeof(place->zone))
			return (false);
	}
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, copy, place->address + 12) == 1) {
		memcpy(place->address, mapped, sizeof(mapped));
		place->four = true;
	} else if (inet_pton(AF_INET6, copy, place->address) != 1)
		return (false);
	bits = place->four ? 32 : 128;
	*prefix = slash != NULL;
	if (slash != NULL && !number_parse(&bits, slash, 10, 0, bits))
		return (false);
	place->bits = (unsigned int)bits;
	if (place->four)
		place->bits += 96;
	else if (memcmp(place->address, mapped, sizeof(mapped)) == 0 &&
	    place->bits >= 96)
		place->four = true;
	return (true);
}

/* The first bits of a and b are equal. */
static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	const unsigned int bytes = bits / 8, rest = bits % 8;

	return (memcmp(a, b, bytes) == 0 && (rest == 0 ||
	    (a[bytes] ^ b[bytes]) >> (8 - rest) == 0));
}

static int
check_identity(const char *text, const char *identity, bool prefix,
    struct error *error)
{
	const char *star = strchr(identity, '*');
	char without[IDENTITY_MAX + 2];

	if (prefix && (star == NULL || strchr(star + 1, '*') != NULL))
		return (error_set(error, EXIT_USAGE, "%s: the identity of a "
		    "prefix holds exactly one *", text));
	if (!prefix && star != NULL)
		return (error_set(error, EXIT_USAGE,
		    "%s: only the identity of a prefix holds a *", text));
	strlcpy(without, identity, sizeof(without));
	if (star != NULL && star - identity <= IDENTITY_MAX)
		without[star - identity] = 'x';
	if (!identity_valid(without))
		return (error_set(error, EXIT_USAGE, "%s: an identity is %s",
		    text, IDENTITY_RULE));
	return (0);
}

static int
append(struct identity_table *table, const struct entry *entry,
    struct error *error)
{
	struct entry *grown;
	size_t capacity;

	if (table->count == table->capacity) {
		capacity = table->capacity == 0 ? 16 : table->capacity * 2;
		grown = reallocarray(table->entries, capacity, sizeof(*grown));
		if (grown == NULL)
			return (error_errno(error, "identities"));
		table->entries = grown;
		table->capacity = capacity;
	}
	table->entries[table->count++] = *entry;
	return (0);
}

int
identity_table_add(struct identity_table *table, const char *text,
    struct error *error)
{
	const char *equals = strchr(text, '=');
	struct entry entry = { .prefix = false };
	char key[128];
	size_t i;

	if (equals == NULL || (size_t)(equals - text) >= sizeof(key))
		return (error_set(error, EXIT_USAGE, "%s: KEY=IDENTITY is expected",
		    text));
	memcpy(key, text, (size_t)(equals - text));
	key[equals - text] = '\0';
	if (key[0] == '\0' || !parse_place(&entry.place, key, &entry.prefix))
		return (error_set(error, EXIT_USAGE, "%s: the key is neither an "
		    "address nor a prefix nor unix", text));
	if (check_identity(text, equals + 1, entry.prefix, error) == -1)
		return (-1);
	strlcpy(entry.identity, equals + 1, sizeof(entry.identity));
	for (i = 0; i < table->count; i++)
		if (memcmp(&table->entries[i].place, &entry.place,
		    sizeof(entry.place)) == 0)
			return (error_set(error, EXIT_USAGE,
			    "%s: the key is given twice", text));
	if (table->count == IDENTITY_TABLE_MAX)
		return (error_set(error, EXIT_USAGE, "more than %d identities",
		    IDENTITY_TABLE_MAX));
	return (append(table, &entry, error));
}

int
identity_table_add_lines(struct identity_table *table, const char *text,
    size_t length, struct error *error)
{
	const char *end = text + length, *newline;
	char line[512];
	size_t size;

	for (unsigned int number = 1; text < end; number++, text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL)
			newline = end;
		size = (size_t)(newline - text);
		if (size >= sizeof(line) || memchr(text, '\0', size) != NULL)
			return (error_set(error, EXIT_USAGE,
			    "line %u is too long, or no text", number));
		memcpy(line, text, size);
		line[size] = '\0';
		if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
			continue;
		if (identity_table_add(table, line, error) == -1)
			return (error_prefix(error, "line %u", number));
	}
	return (0);
}

static bool
matches(const struct entry *entry, const struct place *client)
{
	if (entry->place.local || client->local)
		return (entry->place.local && client->local);
	return (entry->place.four == client->four &&
	    strcmp(entry->place.zone, client->zone) == 0 &&
	    same_prefix(entry->place.address, client->address, entry->place.bits));
}

/* The identity, its * replaced with the client's address and zone. */
static int
compose(const struct entry *entry, const struct place *client,
    char identity[IDENTITY_MAX + 1], struct error *error)
{
	const char *star = strchr(entry->identity, '*');
	char text[INET6_ADDRSTRLEN], made[2 * IDENTITY_MAX];

	if (star == NULL) {
		strlcpy(identity, entry->identity, IDENTITY_MAX + 1);
		return (0);
	}
	inet_ntop(client->four ? AF_INET : AF_INET6,
	    client->four ? client->address + 12 : client->address, text,
	    sizeof(text));
	snprintf(made, sizeof(made), "%.*s%s%s%s%s", (int)(star - entry->identity),
	    entry->identity, text, client->zone[0] != '\0' ? "-" : "",
	    client->zone, star + 1);
	if (!identity_valid(made))
		return (error_set(error, EXIT_FAILED,
		    "the identity \"%s\" would not be valid", made));
	strlcpy(identity, made, IDENTITY_MAX + 1);
	return (0);
}

int
identity_table_find(const struct identity_table *table, const char *address,
    char identity[IDENTITY_MAX + 1], struct error *error)
{
	const struct entry *best = NULL, *entry;
	struct place client;
	bool prefix;

	if (!parse_place(&client, address, &prefix) || prefix)
		return (error_set(error, EXIT_FAILED, "%s: no address", address));
	for (size_t i = 0; i < table->count; i++) {
		entry = &table->entries[i];
		if (matches(entry, &client) && (best == NULL ||
		    entry->place.bits > best->place.bits ||
		    (entry->place.bits == best->place.bits && !entry->prefix)))
			best = entry;
	}
	if (best == NULL)
		return (error_set(error, EXIT_FAILED, "%s is in no entry of the "
		    "identity table", *address == '\0' ? "a unix client" : address));
	return (compose(best, &client, identity, error));
}
