#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "format/rfc3339.h"
#include "message/json_text.h"
#include "watch/age.h"
#include "watch/check_print.h"
#include "watch/metrics.h"

#define LINE_BYTES 2048

static int __attribute__((format(printf, 2, 3)))
put(struct buffer *out, const char *format, ...)
{
	char text[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return (json_text_raw(out, text));
}

/* --- a line for a monitor --- */

int
check_print_message(struct buffer *out, const char *text)
{
	char line[4 * LINE_BYTES];
	int result = 0;

	quote_line(line, sizeof(line), text, strlen(text));
	for (const char *at = line; *at != '\0' && result == 0; at++)
		result = *at == '|' ? json_text_raw(out, "\\174") :
		    buffer_append(out, at, 1);
	return (result);
}

/* The largest of all filesystems; -1: none has one. */
struct most {
	int64_t newest, oldest, behind, behind_seconds;
	bool compared;
};

static int64_t
larger(int64_t a, int64_t b)
{
	return (a > b ? a : b);
}

static struct most
find_most(const struct check_set *set, int64_t now)
{
	struct most most = { -1, -1, -1, -1, false };

	for (size_t i = 0; i < set->count; i++) {
		const struct check *check = &set->checks[i];
		const struct check_snapshot *newest = check->compared ?
		    &check->common : &check->newest;

		most.compared = most.compared || check->compared;
		if (newest->version != NULL)
			most.newest = larger(most.newest, check_age(newest, now));
		if (check->oldest.version != NULL)
			most.oldest = larger(most.oldest,
			    check_age(&check->oldest, now));
		if (!check->compared)
			continue;
		most.behind = larger(most.behind, (int64_t)check->behind);
		most.behind_seconds = larger(most.behind_seconds,
		    check->behind_seconds);
	}
	return (most);
}

/* "12 filesystems, newest snapshot at most 14 min old" */
static int
print_good(struct buffer *out, const struct check_set *set,
    const struct most *most)
{
	char age[AGE_SIZE];

	return (put(out, "OK: %zu filesystem%s, newest %ssnapshot at most %s old",
	    set->count, set->count == 1 ? "" : "s",
	    most->compared ? "common " : "", age_text(age, most->newest)));
}

/* "CRITICAL: tank/vm: the newest snapshot @mon is 27 h old (1 other is not OK, 9 are)" */
static int
print_bad(struct buffer *out, const struct check_set *set)
{
	const struct check *worst = set->worst;
	const size_t good = set->states[CHECK_OK], bad = set->count - good - 1;
	static const char *const names[] = { "OK", "WARNING", "UNKNOWN", "CRITICAL" };

	if (put(out, "%s: ", names[worst->state]) == -1 ||
	    check_print_message(out, worst->filesystem) == -1 ||
	    put(out, ": ") == -1 ||
	    check_print_message(out, worst->message) == -1)
		return (-1);
	if (set->count == 1)
		return (0);
	if (bad == 0)
		return (put(out, " (%s OK)", good == 1 ? "the other is" :
		    "all others are"));
	return (put(out, " (%zu other%s not OK, %zu %s)", bad,
	    bad == 1 ? " is" : "s are", good, good == 1 ? "is" : "are"));
}

/* " newest=840s;7200;93600;0" */
static int
print_number(struct buffer *out, const char *name, int64_t value,
    const char *unit, const struct check_limit *limit)
{
	char warning[24] = "", critical[24] = "";

	if (value == -1)
		return (0);
	if (limit->warning != CHECK_NO_LIMIT)
		snprintf(warning, sizeof(warning), "%" PRId64, limit->warning);
	if (limit->critical != CHECK_NO_LIMIT)
		snprintf(critical, sizeof(critical), "%" PRId64, limit->critical);
	return (put(out, " %s=%" PRId64 "%s;%s;%s;0", name, value, unit, warning,
	    critical));
}

int
check_print_text(struct buffer *out, const struct check_set *set,
    const struct check_rules *rules)
{
	static const struct check_limit none = { CHECK_NO_LIMIT, CHECK_NO_LIMIT };
	const struct most most = find_most(set, rules->now);
	int result = set->worst->state == CHECK_OK ? print_good(out, set, &most) :
	    print_bad(out, set);

	if (result == -1 || put(out, " |") == -1 ||
	    print_number(out, "newest", most.newest, "s", &rules->newest) == -1 ||
	    print_number(out, "oldest", most.oldest, "s", &rules->oldest) == -1 ||
	    print_number(out, "behind", most.behind, "", &rules->behind) == -1 ||
	    print_number(out, "behind_time", most.behind_seconds, "s", &none) == -1)
		return (-1);
	return (put(out, " filesystems=%zu;;;0 warning=%zu;;;0 critical=%zu;;;0 "
	    "unknown=%zu;;;0\n", set->count, set->states[CHECK_WARNING],
	    set->states[CHECK_CRITICAL], set->states[CHECK_UNKNOWN]));
}

/* --- JSON --- */

/* {"snapshot":"mon","creation":"2026-11-30T12:00:00Z","age":840} */
static int
add_snapshot(struct buffer *out, const char *key,
    const struct check_snapshot *snapshot, int64_t now)
{
	char time[RFC3339_SIZE], age[40];

	if (snapshot->version == NULL)
		return (0);
	rfc3339_format(time, snapshot->creation);
	snprintf(age, sizeof(age), "\",\"age\":%" PRId64 "}",
	    check_age(snapshot, now));
	if (json_text_raw_member(out, key,
	    version_is_snapshot(snapshot->version) ? "{\"snapshot\":" :
	    "{\"bookmark\":") == -1 ||
	    json_text_string(out, snapshot->version->name,
	    strlen(snapshot->version->name)) == -1 ||
	    json_text_raw(out, ",\"creation\":\"") == -1 ||
	    json_text_raw(out, time) == -1)
		return (-1);
	return (json_text_raw(out, age));
}

int
check_print_json(struct buffer *out, const struct check *check,
    const struct check_rules *rules)
{
	if (json_text_member(out, "filesystem", check->filesystem) == -1 ||
	    json_text_member(out, "state", check_state_name(check->state)) == -1)
		return (-1);
	if (check->message[0] != '\0' &&
	    json_text_member(out, "message", check->message) == -1)
		return (-1);
	if (check->known && (
	    json_text_integer_member(out, "snapshots", (int64_t)check->snapshots) == -1 ||
	    add_snapshot(out, "newest", &check->newest, rules->now) == -1 ||
	    add_snapshot(out, "oldest", &check->oldest, rules->now) == -1 ||
	    add_snapshot(out, "future", &check->future, rules->now) == -1))
		return (-1);
	if (check->compared && (
	    add_snapshot(out, "common", &check->common, rules->now) == -1 ||
	    json_text_integer_member(out, "unreplicated_snapshots", (int64_t)check->behind) == -1 ||
	    (check->behind_seconds != -1 && json_text_integer_member(out,
	    "unreplicated_seconds", check->behind_seconds) == -1)))
		return (-1);
	return (json_text_raw(out, "}\n"));
}

/* --- metrics --- */

enum sample { NEWEST, SNAPSHOTS, UNREPLICATED_SNAPSHOTS, UNREPLICATED_SECONDS, UNKNOWN };

static const struct {
	const char *name;
	const char *help;
} families[] = {
	[NEWEST] = { "zr_newest_snapshot_timestamp_seconds",
	    "When the newest snapshot was taken, 0 if there is none." },
	[SNAPSHOTS] = { "zr_snapshots", "How many snapshots there are." },
	[UNREPLICATED_SNAPSHOTS] = { "zr_unreplicated_snapshots",
	    "How many snapshots the receiver does not have yet." },
	[UNREPLICATED_SECONDS] = { "zr_unreplicated_seconds",
	    "From the newest common snapshot to the newest, +Inf if none is common." },
	[UNKNOWN] = { "zr_listing_error",
	    "1 if a side could not list the filesystem, else 0." }
};

static void
add_sample(struct metrics *metrics, enum sample which, const struct check *check,
    bool comparing)
{
	const char *const labels[] = { "filesystem", check->filesystem, NULL };

	switch (which) {
	case NEWEST:
		if (check->known)
			metrics_integer(metrics, labels, check->newest.creation);
		break;
	case SNAPSHOTS:
		if (check->known)
			metrics_integer(metrics, labels, (int64_t)check->snapshots);
		break;
	case UNREPLICATED_SNAPSHOTS:
		if (check->compared)
			metrics_integer(metrics, labels, (int64_t)check->behind);
		break;
	case UNREPLICATED_SECONDS:
		if (check->compared && check->behind_seconds == -1)
			metrics_sample(metrics, labels, "+Inf");
		else if (check->compared)
			metrics_integer(metrics, labels, check->behind_seconds);
		break;
	case UNKNOWN:
		metrics_integer(metrics, labels,
		    !check->known || (comparing && !check->compared));
		break;
	}
}

int
check_print_metrics(struct buffer *out, const struct check_set *set,
    bool comparing)
{
	struct metrics metrics = METRICS_TO(out);

	for (enum sample which = NEWEST; which <= UNKNOWN; which++) {
		if (!comparing && (which == UNREPLICATED_SNAPSHOTS ||
		    which == UNREPLICATED_SECONDS))
			continue;
		metrics_family(&metrics, families[which].name,
		    families[which].help);
		for (size_t i = 0; i < set->count; i++)
			add_sample(&metrics, which, &set->checks[i], comparing);
	}
	return (metrics_failed(&metrics) ? -1 : 0);
}
