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
	if (call->reply.answer != NULL && request_check(call->reply.answer,
	    &call->reply.error) == -1) {
		pbjson_free(call->reply.answer);
		call->reply.answer = NULL;
	}
	if (call->reply.answer == NULL)
		call->reply.failure = FAILURE_OTHER;
	session_drop(&single->command);
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
