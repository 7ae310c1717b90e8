#include <stdlib.h>
#include <string.h>

#include "verify/verification.h"

static struct finding *
fail(struct verification *verification, struct finding *finding)
{
	finding_free(finding);
	error_errno(&verification->fatal, "a result");
	return (NULL);
}

struct finding *
finding_failed(struct verification *verification, const struct error *why)
{
	struct finding *finding = calloc(1, sizeof(*finding));

	if (finding == NULL)
		return (fail(verification, finding));
	finding->why = strdup(why->text);
	if (why->hint[0] != '\0')
		finding->hint = strdup(why->hint);
	return (finding->why == NULL ? fail(verification, finding) : finding);
}

struct finding *
finding_compared(struct verification *verification,
    const struct comparison *comparison)
{
	struct finding *finding = calloc(1, sizeof(*finding));
	const size_t size = sizeof(comparison->named);

	if (finding == NULL)
		return (fail(verification, finding));
	finding->same = comparison_same(comparison);
	memcpy(finding->sums, comparison->sums, sizeof(finding->sums));
	finding->bytes = comparison->sources[SENDER].bytes;
	finding->differences = comparison->differences;
	if (comparison->differences == 0)
		return (finding);
	finding->named = malloc(size);
	if (finding->named == NULL)
		return (fail(verification, finding));
	memcpy(finding->named, comparison->named, size);
	return (finding);
}

void
finding_free(struct finding *finding)
{
	if (finding == NULL)
		return;
	free(finding->why);
	free(finding->hint);
	free(finding->named);
	free(finding);
}
