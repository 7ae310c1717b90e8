#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quote.h"
#include "watch/metrics.h"

static void
put(struct metrics *metrics, const char *text)
{
	if (buffer_append(metrics->out, text, strlen(text)) == -1)
		metrics->failed = true;
}

void
metrics_family(struct metrics *metrics, const char *name, const char *help)
{
	metrics->family = name;
	put(metrics, "# HELP ");
	put(metrics, name);
	put(metrics, " ");
	put(metrics, help);
	put(metrics, "\n# TYPE ");
	put(metrics, name);
	put(metrics, " gauge\n");
}

static void
put_value(struct metrics *metrics, const char *value)
{
	const size_t size = 4 * strlen(value) + 1;
	char *encoded = malloc(size), one[3] = "";

	if (encoded == NULL) {
		metrics->failed = true;
		return;
	}
	quote_line(encoded, size, value, strlen(value));
	for (const char *at = encoded; *at != '\0'; at++) {
		one[0] = '\\';
		one[1] = *at == '\n' ? 'n' : *at;
		put(metrics, *at == '\\' || *at == '"' || *at == '\n' ? one :
		    (const char[]){ *at, '\0' });
	}
	free(encoded);
}

void
metrics_sample(struct metrics *metrics, const char *const labels[],
    const char *value)
{
	put(metrics, metrics->family);
	for (size_t i = 0; labels[i] != NULL; i += 2) {
		put(metrics, i == 0 ? "{" : ",");
		put(metrics, labels[i]);
		put(metrics, "=\"");
		put_value(metrics, labels[i + 1]);
		put(metrics, labels[i + 2] == NULL ? "\"}" : "\"");
	}
	put(metrics, " ");
	put(metrics, value);
	put(metrics, "\n");
}

void
metrics_integer(struct metrics *metrics, const char *const labels[],
    int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	metrics_sample(metrics, labels, text);
}

bool
metrics_failed(const struct metrics *metrics)
{
	return (metrics->failed);
}
