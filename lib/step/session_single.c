#include "base/io.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "step/session_state.h"

static void
on_single_ended(struct session *session, struct single *single)
{
	struct session_call *call = single->call;
	struct error why;

	single->used = false;
	if (call == NULL) {
		session_drop(&single->command);
		return;
	}
	if (!command_succeeded(&single->command)) {
		session_take_reason(&single->command, &why);
		session_fail(session, call, NULL, &why);
		return;
	}
	call->reply.answer = command_answer(&single->command, &call->reply.error);
	session_drop(&single->command);
	if (call->reply.answer == NULL) {
		call->reply.failure = FAILURE_OTHER;
		session_finish(session, call);
	} else if (request_check(call->reply.answer, &why) == -1) {
		error_prefix(&why, "the answer");
		pbjson_free(call->reply.answer);
		call->reply.answer = NULL;
		session_refuse(session, call, &why);
	} else
		session_finish(session, call);
}

static void
start_single(struct session *session, struct single *single,
    struct session_call *call)
{
	struct error error;

	single->command = COMMAND_NONE(session->role);
	call->sent = true;
	if (command_start_text(&single->command, session->string,
	    call->reply.method->name, call->request, call->length,
	    METHOD_ANSWER_MAX, PROCESS_PIPE, &error) == -1) {
		session_fail(session, call, NULL, &error);
		return;
	}
	single->call = call;
	single->used = true;
}

void
session_single_start(struct session *session)
{
	struct session_call *call = TAILQ_FIRST(&session->open), *next;

	for (int i = 0; i < SESSION_PROCESSES; i++) {
		if (session->singles[i].used)
			continue;
		while (call != NULL && call->sent)
			call = TAILQ_NEXT(call, entries);
		if (call == NULL)
			return;
		next = TAILQ_NEXT(call, entries);
		start_single(session, &session->singles[i], call);
		call = next;
	}
}

void
session_single_handle(struct session *session,
    const struct pollfd entries[SESSION_ENTRIES], int64_t now)
{
	for (int i = 0; i < SESSION_PROCESSES; i++) {
		struct single *single = &session->singles[i];

		if (!single->used)
			continue;
		command_handle(&single->command, entries + i * CALL_ENTRIES, now);
		if (!command_runs(&single->command))
			on_single_ended(session, single);
	}
}

bool
session_single_free_slot(const struct session *session)
{
	for (int i = 0; i < SESSION_PROCESSES; i++)
		if (!session->singles[i].used)
			return (true);
	return (false);
}

void
session_single_cancel(struct session *session, const struct session_call *call,
    int64_t now)
{
	for (int i = 0; i < SESSION_PROCESSES; i++) {
		struct single *single = &session->singles[i];

		if (!single->used || single->call != call)
			continue;
		single->call = NULL;
		endpoint_end(&single->command.call.endpoint, now);
	}
}

void
session_single_free(struct session *session)
{
	const int64_t now = io_now();

	/* End them all at the same time: each may take long. */
	for (int i = 0; i < SESSION_PROCESSES; i++)
		if (session->singles[i].used)
			endpoint_end(&session->singles[i].command.call.endpoint, now);
	for (int i = 0; i < SESSION_PROCESSES; i++)
		if (session->singles[i].used)
			session_drop(&session->singles[i].command);
}
