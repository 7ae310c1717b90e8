#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>

#include "format/fs_filter.h"
#include "format/fs_name.h"

int
fs_filter_add(struct fs_filter *filter, const char *entry, struct error *error)
{
	struct fs_filter_entry new = { .allow = entry[0] != '!' }, *grown;

	new.path = strdup(entry + (new.allow ? 0 : 1));
	if (new.path == NULL)
		return (error_errno(error, "filter"));
	new.length = strlen(new.path);
	if (new.length > 0 && new.path[new.length - 1] == '<') {
		new.subtree = true;
		new.path[--new.length] = '\0';
	}
	if (!(new.subtree && new.length == 0) &&
	    !fs_name_valid_filesystem(new.path)) {
		free(new.path);
		return (error_set(error, EXIT_USAGE, "\"%s\" is no filter entry: "
		    "a filesystem's name, with \"<\" behind it for everything "
		    "below too, \"!\" before it to deny", entry));
	}
	for (size_t i = 0; i < filter->count; i++)
		if (strcmp(filter->entries[i].path, new.path) == 0 &&
		    filter->entries[i].subtree == new.subtree &&
		    filter->entries[i].allow != new.allow) {
			free(new.path);
			return (error_set(error, EXIT_USAGE,
			    "filter entry \"%s\": another one says the opposite",
			    entry));
		}
	grown = reallocarray(filter->entries, filter->count + 1, sizeof(new));
	if (grown == NULL) {
		free(new.path);
		return (error_errno(error, "filter"));
	}
	filter->entries = grown;
	filter->entries[filter->count++] = new;
	return (0);
}

int
fs_filter_read(struct fs_filter *filter, const char *path, struct error *error)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int result = 0;

	if (file == NULL)
		return (error_errno(error, "%s", path));
	while (result == 0 && (length = getline(&line, &size, file)) != -1) {
		number++;
		if (length > 0 && line[length - 1] == '\n')
			line[--length] = '\0';
		if (strlen(line) != (size_t)length)
			result = error_set(error, EXIT_USAGE, "a NUL byte");
		else if (line[0] != '#' && line[strspn(line, " \t")] != '\0')
			result = fs_filter_add(filter, line, error);
	}
	if (result == -1)
		error_prefix(error, "%s:%u", path, number);
	else if (ferror(file))
		result = error_errno(error, "%s", path);
	free(line);
	fclose(file);
	return (result);
}

/* How well does an entry match: 0 not at all. */
static size_t
rank(const struct fs_filter_entry *entry, const char *filesystem)
{
	if (!entry->subtree)
		return (strcmp(entry->path, filesystem) == 0 ? SIZE_MAX : 0);
	if (entry->length > 0 && (strncmp(filesystem, entry->path,
	    entry->length) != 0 || (filesystem[entry->length] != '/' &&
	    filesystem[entry->length] != '\0')))
		return (0);
	return (entry->length + 1);
}

bool
fs_filter_allows(const struct fs_filter *filter, const char *filesystem)
{
	size_t best = 0, this;
	bool allow = false;

	for (size_t i = 0; i < filter->count; i++) {
		this = rank(&filter->entries[i], filesystem);
		if (this > best) {
			best = this;
			allow = filter->entries[i].allow;
		}
	}
	return (allow);
}

bool
fs_filter_can_allow(const struct fs_filter *filter)
{
	for (size_t i = 0; i < filter->count; i++)
		if (filter->entries[i].allow)
			return (true);
	return (false);
}

bool
fs_filter_entry_matches(const struct fs_filter_entry *entry,
    const char *filesystem)
{
	return (rank(entry, filesystem) > 0);
}

void
fs_filter_free(struct fs_filter *filter)
{
	for (size_t i = 0; i < filter->count; i++)
		free(filter->entries[i].path);
	free(filter->entries);
	*filter = (struct fs_filter){ .entries = NULL };
}
