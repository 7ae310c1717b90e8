#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/listing.h"
#include "plan/name_map.h"

int
name_map_add(struct name_map *map, const char *rule, struct error *error)
{
	struct name_rule *grown, added = { .text = strdup(rule) };
	char *equals;

	if (added.text == NULL)
		return (error_errno(error, "%s", rule));
	equals = strchr(added.text, '=');
	if (equals == NULL)
		goto invalid;
	*equals = '\0';
	added.from = added.text;
	added.to = equals + 1;
	if (!fs_name_valid_filesystem(added.from) ||
	    !fs_name_valid_filesystem(added.to))
		goto invalid;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->rules[i].from, added.from) == 0) {
			error_set(error, EXIT_USAGE, "%s has a new name already: "
			    "%s", added.from, map->rules[i].to);
			free(added.text);
			return (-1);
		}
	grown = reallocarray(map->rules, map->count + 1, sizeof(*grown));
	if (grown == NULL) {
		error_errno(error, "%s", rule);
		free(added.text);
		return (-1);
	}
	map->rules = grown;
	map->rules[map->count++] = added;
	return (0);
invalid:
	free(added.text);
	return (error_set(error, EXIT_USAGE, "%s is not FROM=TO, two names of "
	    "filesystems", rule));
}

int
name_map_apply(const struct name_map *map, const char *name,
    char mapped[FS_NAME_MAX + 1], struct error *error)
{
	const struct name_rule *best = NULL, *rule;
	const char *rest = name;
	int length;

	for (size_t i = 0; i < map->count; i++) {
		rule = &map->rules[i];
		if ((strcmp(name, rule->from) == 0 ||
		    listing_is_below(name, rule->from)) &&
		    (best == NULL || strlen(rule->from) > strlen(best->from)))
			best = rule;
	}
	if (best != NULL)
		rest = name + strlen(best->from);
	length = snprintf(mapped, FS_NAME_MAX + 1, "%s%s",
	    best != NULL ? best->to : "", rest);
	if (length < 0 || length > FS_NAME_MAX)
		return (error_set(error, EXIT_FAILED, "its name at the receiver "
		    "would be longer than %d bytes", FS_NAME_MAX));
	return (0);
}

void
name_map_free(struct name_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		free(map->rules[i].text);
	free(map->rules);
	*map = (struct name_map){ .count = 0 };
}
