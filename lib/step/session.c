#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "message/pbjson.h"
#include "step/session_state.h"

struct session *
session_new(const char *role, const char *string)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return (NULL);
	*session = (struct session){ .role = role, .string = string };
	TAILQ_INIT(&session->open);
	TAILQ_INIT(&session->finished);
	return (session);
}

const char *
session_role(const struct session *session)
{
	return (session->role);
}

void
session_hush(struct session *session)
{
	session->hushed = true;
	if (session->has_batch)
		session_batch_hush(session);
}

int
session_call(struct session *session, const char *method,
    const ProtobufCMessage *request, int64_t deadline, void *context,
    struct error *error)
{
	struct session_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return (error_errno(error, "a call"));
	call->request = pbjson_print(request, &call->length, error);
	if (call->request == NULL) {
		free(call);
		return (-1);
	}
	call->reply.method = method_by_name(method);
	call->reply.context = context;
	call->deadline = deadline;
	call->id = session->next_id++;
	TAILQ_INSERT_TAIL(&session->open, call, entries);
	session->count++;
	return (0);
}

void
session_finish(struct session *session, struct session_call *call)
{
	TAILQ_REMOVE(&session->open, call, entries);
	TAILQ_INSERT_TAIL(&session->finished, call, entries);
	free(call->request);
	call->request = NULL;
}

void
session_fail(struct session *session, struct session_call *call, const char *status,
    const struct error *why)
{
	call->reply.error = *why;
	call->reply.failure = failure_of((int)why->code, status, why->text);
	error_prefix(&call->reply.error, "%s", session->role);
	session_finish(session, call);
}

void
session_refuse(struct session *session, struct session_call *call,
    const struct error *why)
{
	session_fail(session, call, NULL, why);
	call->reply.failure = FAILURE_OTHER;
	call->reply.error.code = EXIT_PROTOCOL;
}

struct reply *
session_next(struct session *session)
{
	struct session_call *call = TAILQ_FIRST(&session->finished);

	if (call == NULL)
		return (NULL);
	TAILQ_REMOVE(&session->finished, call, entries);
	session->count--;
	return (&call->reply);
}

void
session_reply_free(struct reply *reply)
{
	struct session_call *call = (struct session_call *)reply;

	if (call == NULL)
		return;
	pbjson_free(call->reply.answer);
	free(call->request);
	free(call);
}

void
session_drop(struct command *command)
{
	char hints[1] = "";

	command_free(command, hints, sizeof(hints));
}

void
session_take_reason(struct command *command, struct error *why)
{
	char hints[sizeof(command->hints)] = "";

	error_set(why, (enum exit_code)command->call.endpoint.exit_code, "%s",
	    command_last_line(command));
	command_free(command, hints, sizeof(hints));
	command_first_hint(why->hint, hints);
}

/* --- deadlines --- */

static void
cancel(struct session *session, struct session_call *call, int64_t now)
{
	struct error error;

	if (session->alone)
		session_single_cancel(session, call, now);
	else
		session_batch_cancel(session, call, now);
	error_set(&error, EXIT_TIMEOUT, "no answer to %s in time",
	    call->reply.method->name);
	session_fail(session, call, NULL, &error);
}

static void
check_deadlines(struct session *session, int64_t now)
{
	struct session_call *call, *next;

	for (call = TAILQ_FIRST(&session->open); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (now >= call->deadline)
			cancel(session, call, now);
	}
}

int64_t
session_deadline(const struct session *session)
{
	const bool room = session->alone ? session_single_free_slot(session) :
	    session_batch_takes(session);
	const struct session_call *call;
	int64_t deadline = IO_FOREVER;

	if (!TAILQ_EMPTY(&session->finished))
		return (0);
	TAILQ_FOREACH(call, &session->open, entries)
		deadline = io_earlier(deadline,
		    call->sent || !room ? call->deadline : 0);
	if (session->has_batch)
		deadline = io_earlier(deadline, session_batch_deadline(session));
	for (int i = 0; i < SESSION_PROCESSES; i++)
		if (session->singles[i].used)
			deadline = io_earlier(deadline, call_deadline(
			    &session->singles[i].command.call));
	return (deadline);
}

void
session_poll(const struct session *session,
    struct pollfd entries[SESSION_ENTRIES])
{
	for (int i = 0; i < SESSION_ENTRIES; i++)
		entries[i] = (struct pollfd){ .fd = -1 };
	if (session->has_batch)
		session_batch_poll(session, entries);
	for (int i = 0; i < SESSION_PROCESSES; i++)
		if (session->singles[i].used)
			call_poll(&session->singles[i].command.call,
			    entries + i * CALL_ENTRIES);
}

void
session_handle(struct session *session,
    const struct pollfd entries[SESSION_ENTRIES], int64_t now)
{
	if (session->has_batch)
		session_batch_handle(session, entries, now);
	else if (session->alone)
		session_single_handle(session, entries, now);
	check_deadlines(session, now);
	if (session->alone)
		session_single_start(session);
	else
		session_batch_send(session);
}

void
session_free(struct session *session)
{
	struct session_call *call;
	struct reply *reply;

	if (session == NULL)
		return;
	session_batch_free(session);
	session_single_free(session);
	while ((call = TAILQ_FIRST(&session->open)) != NULL)
		session_finish(session, call);
	while ((reply = session_next(session)) != NULL)
		session_reply_free(reply);
	free(session);
}
