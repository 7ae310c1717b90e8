#ifndef ZR_SESSION_STATE_H
#define ZR_SESSION_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/lines.h"
#include "step/session.h"

/*
 * The parts of a session (session.h): its calls, and the two ways in which they reach
 * the endpoint.
 */
struct session_call {
	struct reply reply;		/* first: session_reply_free() */
	TAILQ_ENTRY(session_call) entries;
	uint64_t id;
	int64_t deadline;
	char *request;			/* JSON; owned */
	size_t length;
	bool sent;			/* to the batch, or to a process of its own */
	uint64_t lines_before;		/* lines that the batch had written then */
};

TAILQ_HEAD(session_calls, session_call);

struct single {
	struct command command;
	struct session_call *call;	/* NULL: free, or past its deadline */
	bool used;
};

struct session {
	const char *role;
	const char *string;
	struct session_calls open;	/* the oldest first */
	struct session_calls finished;
	size_t count;			/* of both */
	uint64_t next_id;
	bool has_batch;			/* it runs, or we have not noticed its end */
	uint64_t lines_read;		/* of its answers */
	size_t cancelled;		/* cancelled calls without an answer yet */
	int64_t end_at;			/* time of SIGTERM, once its output is closed */
	bool answered;			/* some batch has given an answer */
	bool hushed;			/* the batch's standard error is not shown */
	bool alone;			/* no batch: a process for each call */
	struct command batch;
	struct buffer requests;		/* to be written to the batch */
	struct lines answers;
	struct error broken;		/* unless EXIT_DONE: a violation by the batch */
	struct single singles[SESSION_PROCESSES];
};

/* session.c: a call is over: it has succeeded (its answer is set) or failed. */
void	session_finish(struct session *session, struct session_call *call);
void	session_fail(struct session *session, struct session_call *call,
	    const char *status, const struct error *why);

/* An invalid answer: another attempt would get it again. */
void	session_refuse(struct session *session, struct session_call *call,
	    const struct error *why);

/*
 * The reason why a command failed, for its calls: its last line, and the first hint after
 * that.  Frees the command, as does session_drop(), which shows the held lines.
 */
void	session_take_reason(struct command *command, struct error *why);
void	session_drop(struct command *command);

/* session_batch.c: one batch for all. */
bool	session_batch_takes(const struct session *session);	/* a call, now */
void	session_batch_send(struct session *session);
void	session_batch_hush(struct session *session);
void	session_batch_cancel(struct session *session,
	    const struct session_call *call, int64_t now);
void	session_batch_poll(const struct session *session,
	    struct pollfd entries[CALL_ENTRIES]);
int64_t	session_batch_deadline(const struct session *session);
void	session_batch_handle(struct session *session,
	    const struct pollfd entries[CALL_ENTRIES], int64_t now);

/* Let it end if it has no call, and free it. */
void	session_batch_free(struct session *session);

/* session_single.c: a process for each call. */
bool	session_single_free_slot(const struct session *session);
void	session_single_start(struct session *session);
void	session_single_cancel(struct session *session,
	    const struct session_call *call, int64_t now);
void	session_single_handle(struct session *session,
	    const struct pollfd entries[SESSION_ENTRIES], int64_t now);

/* End all of them, and free them. */
void	session_single_free(struct session *session);

#endif
