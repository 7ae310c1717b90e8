#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/rfc3339.h"
#include "replicate/event.h"

enum kind { TEXT, NUMBER, MILLISECONDS, TIME, TRUTH };

#define SECONDS_MAX 1e12

static const struct field {
	const char *key;
	enum kind kind;
	size_t offset;
} fields[] = {
	{ "time", TIME, offsetof(struct event, time) },
	{ "filesystem", TEXT, offsetof(struct event, filesystem) },
	{ "job", TEXT, offsetof(struct event, job) },
	{ "base", TEXT, offsetof(struct event, base) },
	{ "from", TEXT, offsetof(struct event, from) },
	{ "to", TEXT, offsetof(struct event, to) },
	{ "snapshot", TEXT, offsetof(struct event, snapshot) },
	{ "result", TEXT, offsetof(struct event, result) },
	{ "message", TEXT, offsetof(struct event, message) },
	{ "pid", NUMBER, offsetof(struct event, pid) },
	{ "steps", NUMBER, offsetof(struct event, steps) },
	{ "bytes", NUMBER, offsetof(struct event, bytes) },
	{ "code", NUMBER, offsetof(struct event, code) },
	{ "seconds", MILLISECONDS, offsetof(struct event, ms) },
	{ "base_creation", TIME, offsetof(struct event, base_creation) },
	{ "creation", TIME, offsetof(struct event, creation) },
	{ "last_successful", TIME, offsetof(struct event, last_successful) },
	{ "dry_run", TRUTH, offsetof(struct event, dry_run) },
	{ "resumed", TRUTH, offsetof(struct event, resumed) },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static bool
is(const struct json_slice *slice, const char *text)
{
	return (slice->length == strlen(text) &&
	    memcmp(slice->text, text, slice->length) == 0);
}

static bool
set_time(int64_t *time, const struct json_slice *slice)
{
	char text[64];

	return (json_slice_copy(text, sizeof(text), slice) &&
	    rfc3339_parse(text, time));
}

static bool
set_milliseconds(uint64_t *ms, const struct json_slice *slice)
{
	char text[64];
	double seconds;

	if (!json_slice_copy(text, sizeof(text), slice))
		return (false);
	seconds = strtod(text, NULL);
	if (!(seconds >= 0 && seconds <= SECONDS_MAX))
		return (false);
	*ms = (uint64_t)(seconds * 1000 + 0.5);
	return (true);
}

/* The first character of a value of this kind. */
static bool
begins(enum kind kind, char first)
{
	switch (kind) {
	case TEXT:
	case TIME:
		return (first == '"');
	case NUMBER:
	case MILLISECONDS:
		return (first == '0');
	case TRUTH:
		break;
	}
	return (first == 't' || first == 'f');
}

/* A value that has been read, into its place; false: out of range. */
static bool
set(struct event *event, const struct field *field,
    const struct json_slice *value)
{
	void *place = (char *)event + field->offset;

	switch (field->kind) {
	case TEXT:
		*(struct json_slice *)place = *value;
		return (true);
	case TIME:
		return (set_time(place, value));
	case NUMBER:
		return (json_slice_uint64(place, value) &&
		    *(uint64_t *)place != EVENT_NO_NUMBER);
	case MILLISECONDS:
		return (set_milliseconds(place, value));
	case TRUTH:
		*(bool *)place = value->text[0] == 't';
		break;
	}
	return (true);
}

static int
take_field(struct event *event, const struct field *field,
    struct json_scan *scan, struct error *error)
{
	const char first = json_scan_peek(scan);
	struct json_slice value;
	int result;

	if (first == 'n')
		return (json_scan_word(scan, error));
	if (!begins(field->kind, first))
		return (error_set(error, EXIT_USAGE, "%s has the wrong type",
		    field->key));
	if (first == '"')
		result = json_scan_string(scan, &value, error);
	else
		result = json_scan_skip(scan, &value, error);
	if (result == -1)
		return (-1);
	if (!set(event, field, &value))
		return (error_set(error, EXIT_USAGE, "%s is out of range",
		    field->key));
	return (0);
}

static int
take_member(struct event *event, const struct json_slice *key,
    struct json_scan *scan, struct error *error)
{
	struct json_slice name;

	for (size_t i = 0; i < FIELDS; i++)
		if (is(key, fields[i].key))
			return (take_field(event, &fields[i], scan, error));
	if (!is(key, "event"))
		return (json_scan_skip(scan, NULL, error));
	if (json_scan_string(scan, &name, error) == -1)
		return (-1);
	if (!json_slice_copy(event->event, sizeof(event->event), &name))
		event->event[0] = '\0';
	return (1);
}

int
event_parse(struct event *event, const char *line, size_t length,
    struct error *error)
{
	struct json_scan scan;
	struct json_slice key;
	bool named = false;
	int more, taken;

	*event = (struct event){ .time = EVENT_NO_TIME, .pid = EVENT_NO_NUMBER,
	    .steps = EVENT_NO_NUMBER, .bytes = EVENT_NO_NUMBER,
	    .code = EVENT_NO_NUMBER, .ms = EVENT_NO_NUMBER,
	    .base_creation = EVENT_NO_TIME, .creation = EVENT_NO_TIME,
	    .last_successful = EVENT_NO_TIME };
	json_scan_init(&scan, line, length);
	if (json_scan_enter(&scan, '{', error) == -1)
		return (-1);
	while ((more = json_scan_key(&scan, &key, error)) == 1) {
		taken = take_member(event, &key, &scan, error);
		if (taken == -1)
			return (-1);
		named = named || taken == 1;
	}
	if (more == -1 || json_scan_end(&scan, error) == -1)
		return (-1);
	if (!named || event->time == EVENT_NO_TIME)
		return (error_set(error, EXIT_USAGE, "it is not an event: %s is "
		    "missing", named ? "time" : "event"));
	return (0);
}

char *
event_text(const struct json_slice *slice)
{
	char *text = malloc(slice->length + 1);

	if (text != NULL && !json_slice_copy(text, slice->length + 1, slice)) {
		free(text);
		errno = EINVAL;
		return (NULL);
	}
	return (text);
}
