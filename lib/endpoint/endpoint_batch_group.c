/*
 * Calls of a batch that one child answers together.
 */
#include <stdlib.h>

#include "base/diag.h"
#include "base/io.h"
#include "endpoint/endpoint_batch.h"
#include "endpoint/endpoint_child.h"

void
endpoint_groups_resume(struct endpoint_batch *batch, const void *ended, int64_t at)
{
	if (batch->latest != ended)
		return;
	batch->latest = NULL;
	batch->gather_until = at;
}

/* --- calls in and out --- */

static void
put(struct batch_group *group, struct batch_call *call)
{
	group->calls[group->count++] = call;
	group->left++;
	call->group = group;
}

/* Its place in the order of the answers remains. */
static void
take_out(struct batch_call *call)
{
	struct batch_group *group = call->group;

	for (size_t i = 0; i < group->count; i++)
		if (group->calls[i] == call)
			group->calls[i] = NULL;
	group->left--;
	call->group = NULL;
}

/* Let the unanswered calls run alone. */
static void
leave_all(struct batch_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->calls[i] != NULL) {
			group->calls[i]->alone = true;
			take_out(group->calls[i]);
		}
}

/* End the child; its further answers are ignored. */
static void
end(struct batch_group *group)
{
	group->over = true;
	leave_all(group);
	endpoint_end(&group->endpoint, io_now());
}

void
endpoint_group_drop(struct batch_call *call)
{
	struct batch_group *group = call->group;

	if (group == NULL)
		return;
	take_out(call);
	if (group->left == 0)
		end(group);
}

/* --- starting --- */

static bool
can_join(const struct batch_call *call, const struct batch_call *first)
{
	return (!call->started && !call->cancelled && !call->alone &&
	    call->group == NULL && call->method->many != NULL &&
	    (first == NULL || call->method == first->method));
}

/*
 * Collect the oldest calls that go together.  Returns their number; 0 if it is better to
 * wait for others.
 */
static size_t
gather(const struct endpoint_batch *batch, struct batch_call *calls[])
{
	struct batch_call *call;
	size_t count = 0;

	TAILQ_FOREACH(call, &batch->calls.list, entries)
		if (count < batch->group_max &&
		    can_join(call, count == 0 ? NULL : calls[0]))
			calls[count++] = call;
	return (count == batch->group_max || batch->lines.ended ||
	    io_now() >= batch->gather_until ? count : 0);
}

/* What a child runs. */
struct task {
	const struct endpoint_batch *batch;
	const struct batch_group *group;
};

static int
run_group(const void *context)
{
	const struct endpoint_program *program =
	    ((const struct task *)context)->batch->program;
	const struct batch_group *group = ((const struct task *)context)->group;
	const struct endpoint_method *method = group->calls[0]->method;
	const ProtobufCMessage *requests[ENDPOINT_GROUP_MAX];
	struct error error;

	for (size_t i = 0; i < group->count; i++)
		requests[i] = group->calls[i]->request;
	if (method->many(program->context, requests, group->count, &error) == 0)
		return (EXIT_DONE);
	if (error.code < EXIT_SIGNAL)
		diag(DIAG_LOG "%zu calls of %s together: %s", group->count,
		    method->name, error.text);
	return (error.code);
}

static void
is_latest(struct endpoint_batch *batch, const void *latest)
{
	batch->latest = latest;
	batch->gather_until = io_now() + ENDPOINT_GROUP_LONG_MS;
}

/* Start a group.  If that fails the calls run alone, and report the error. */
static void
start(struct endpoint_batch *batch, struct batch_call *calls[], size_t count)
{
	struct batch_group *group = calloc(1, sizeof(*group));
	struct error error;

	if (group == NULL) {
		for (size_t i = 0; i < count; i++)
			calls[i]->alone = true;
		return;
	}
	group->endpoint = ENDPOINT_NONE;
	group->lines = LINES_EMPTY(METHOD_ANSWER_MAX);
	group->give_up_at = io_now() + ENDPOINT_GROUP_GIVE_UP_MS;
	for (size_t i = 0; i < count; i++)
		put(group, calls[i]);
	if (endpoint_child_start(&group->endpoint.process, false, run_group,
	    &(struct task){ batch, group }, &error) == -1) {
		leave_all(group);
		free(group);
		return;
	}
	TAILQ_INSERT_TAIL(&batch->groups, group, entries);
	batch->calls.running++;
	is_latest(batch, group);
}

void
endpoint_groups_start(struct endpoint_batch *batch)
{
	struct batch_call *calls[ENDPOINT_GROUP_MAX];
	size_t count;

	while (batch_calls_have_room(&batch->calls) &&
	    (count = gather(batch, calls)) > 0)
		if (count > 1)
			start(batch, calls, count);
		else {
			/* It runs alone, so that an error costs no second process. */
			calls[0]->alone = true;
			is_latest(batch, calls[0]);
		}
}

/* --- running --- */

/* Pass on one answer: 1; 0 if the next one has not come yet. */
static int
pass_on_line(struct endpoint_batch *batch, struct batch_group *group,
    struct error *error)
{
	struct batch_call *call;
	const char *line;
	size_t length;

	line = lines_next(&group->lines, &length);
	if (line == NULL)
		return (0);
	group->give_up_at = io_now() + ENDPOINT_GROUP_GIVE_UP_MS;
	call = group->answered < group->count ? group->calls[group->answered] : NULL;
	group->answered++;
	if (call == NULL)
		return (1);
	take_out(call);
	call->alone = true;
	if (length == 0)
		return (1);
	if (endpoint_batch_respond(batch, call->id, line, length, error) == -1)
		return (-1);
	endpoint_batch_forget(batch, call);
	return (1);
}

/* A line without its end, because the child was killed, is no answer. */
static int
pass_on(struct endpoint_batch *batch, struct batch_group *group, struct error *error)
{
	struct error what;
	int result = 1;

	if (group->lines.ended || group->over)
		return (0);
	if (lines_read(&group->lines, group->endpoint.process.output, &what) == -1) {
		/* Too long: alone, it will be refused. */
		end(group);
		return (0);
	}
	while (result == 1 && !group->lines.ended)
		result = pass_on_line(batch, group, error);
	return (result == -1 ? -1 : 0);
}

static void
give_up(struct endpoint_batch *batch, struct batch_group *group)
{
	end(group);
	if (group->count / 2 < batch->group_max)
		batch->group_max = group->count / 2;
	endpoint_groups_resume(batch, group, 0);
}

static void
finish(struct endpoint_batch *batch, struct batch_group *group)
{
	leave_all(group);
	endpoint_groups_resume(batch, group, io_now() + ENDPOINT_GROUP_PAUSE_MS);
	TAILQ_REMOVE(&batch->groups, group, entries);
	batch->calls.running--;
	lines_free(&group->lines);
	endpoint_free(&group->endpoint);
	free(group);
}

int
endpoint_groups_attend(struct endpoint_batch *batch, struct error *error)
{
	struct batch_group *group, *next;
	const int64_t now = io_now();

	for (group = TAILQ_FIRST(&batch->groups); group != NULL; group = next) {
		next = TAILQ_NEXT(group, entries);
		endpoint_check(&group->endpoint, now);
		if (pass_on(batch, group, error) == -1)
			return (-1);
		if (now >= group->give_up_at && !group->over)
			give_up(batch, group);
		if (group->endpoint.ended && (group->lines.ended || group->over))
			finish(batch, group);
	}
	return (0);
}

size_t
endpoint_groups_poll(const struct endpoint_batch *batch, struct pollfd *entries,
    int64_t *deadline)
{
	const struct batch_group *group;
	const struct batch_call *call;
	size_t count = 0;

	TAILQ_FOREACH(group, &batch->groups, entries) {
		entries[count++] = (struct pollfd){ .events = POLLIN,
		    .fd = group->lines.ended || group->over ? -1 :
		    group->endpoint.process.output };
		*deadline = io_earlier(*deadline, group->endpoint.kill_at);
		if (!group->over)
			*deadline = io_earlier(*deadline, group->give_up_at);
	}
	if (!batch_calls_have_room(&batch->calls))
		return (count);
	TAILQ_FOREACH(call, &batch->calls.list, entries)
		if (can_join(call, NULL)) {
			*deadline = io_earlier(*deadline, batch->gather_until);
			break;
		}
	return (count);
}

void
endpoint_groups_free(struct endpoint_batch *batch)
{
	while (!TAILQ_EMPTY(&batch->groups))
		finish(batch, TAILQ_FIRST(&batch->groups));
}
