#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "plan/plan.h"

static void
write_text(char *out, size_t size, const char *format, va_list arguments)
{
	vsnprintf(out, size, format, arguments);
	utf8_sanitize(out, out, strlen(out));
}

void
plan_say(struct plan *plan, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_text(plan->message, sizeof(plan->message), format, arguments);
	va_end(arguments);
}

void
plan_advise(struct plan *plan, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_text(plan->advice, sizeof(plan->advice), format, arguments);
	va_end(arguments);
}

void
plan_fail(struct plan *plan, enum plan_verdict verdict, enum plan_problem problem,
    const char *format, ...)
{
	va_list arguments;

	plan->verdict = verdict;
	plan->problem = problem;
	plan->step_count = 0;
	plan->skipped_count = 0;
	va_start(arguments, format);
	write_text(plan->message, sizeof(plan->message), format, arguments);
	va_end(arguments);
}

void
plan_request(struct plan_request *request, const struct plan *plan,
    const struct plan_step *step, const struct plan_rules *rules)
{
	send_req__init(&request->request);
	replication_config__init(&request->config);
	replication_config_protection__init(&request->protection);
	request->protection.initial = rules->protect_initial;
	request->protection.incremental = rules->protect_incremental;
	request->config.protection = &request->protection;
	request->request.filesystem = plan->sender->filesystem;
	request->request.from = (FilesystemVersion *)(uintptr_t)step->from;
	request->request.to = (FilesystemVersion *)(uintptr_t)step->to;
	if (step->resume_token != NULL)
		request->request.resumetoken =
		    (char *)(uintptr_t)step->resume_token;
	request->request.replicationconfig = &request->config;
}

bool
plan_creates(const struct plan *plan)
{
	return (plan->step_count > 0 && plan->steps[0].from == NULL);
}

bool
plan_failed(const struct plan *plan)
{
	return (plan->verdict == PLAN_CONFLICT || plan->verdict == PLAN_ERROR);
}

void
plan_free(struct plan *plan)
{
	free(plan->steps);
	free(plan->skipped);
	free(plan->sender_only.versions);
	free(plan->receiver_only.versions);
	*plan = (struct plan){ .sender = NULL };
}
