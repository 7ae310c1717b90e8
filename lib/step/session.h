#ifndef ZR_SESSION_H
#define ZR_SESSION_H

#include <poll.h>
#include <protobuf-c/protobuf-c.h>

#include "message/method.h"
#include "step/command.h"
#include "step/failure.h"

/*
 * Many calls at an endpoint that is given as a command string (command.h).  All of them
 * go through one "STRING batch" (zr-endpoint-interface(7)), which is started with the
 * first call.  If it ends early, the calls that wait for an answer fail, and the next
 * call starts it again.  If it gives no answer within a call's time, it is ended.  An
 * endpoint without that form (exit 100) gets a process for each call, SESSION_PROCESSES
 * at once.
 *
 *	session_call(session, "ListFilesystems", &request.base, ...);
 *	session_poll(session, entries);
 *	io_poll(entries, ..., session_deadline(session));
 *	session_handle(session, entries, io_now());
 *	while ((reply = session_next(session)) != NULL)
 *		... session_reply_free(reply);
 *
 * Standard error of the processes is shown as in command.h.  SIGCHLD must be caught
 * (signals.h) and SIGPIPE ignored.
 */
struct session;

#define SESSION_PROCESSES	8
#define SESSION_ENTRIES		(SESSION_PROCESSES * CALL_ENTRIES)

/* The end of a call. */
struct reply {
	const struct method *method;
	void *context;			/* the caller's */
	ProtobufCMessage *answer;	/* NULL: the call failed.  It fits */
					/* the method and passes request_check.h */
	enum failure failure;
	struct error error;		/* why: "receiver: ..." */
};

/*
 * role ("sender", "receiver") is for diagnostics; it and string are borrowed.  Starts
 * nothing.  NULL with errno: out of memory.
 */
struct session *session_new(const char *role, const char *string);

const char *session_role(const struct session *session);

/*
 * For calls of which many are expected to fail: what the batch writes to standard error
 * is no longer shown.  A reply has the reason.
 */
void	session_hush(struct session *session);

/*
 * Begin a call.  It always gets a reply; at the deadline (ms) the reply is a failure of
 * the transport.  -1 (EXIT_SYSTEM): out of memory, and there will be no reply.
 */
int	session_call(struct session *session, const char *method,
	    const ProtobufCMessage *request, int64_t deadline, void *context,
	    struct error *error);

/* The events and the deadline to wait for. */
void	session_poll(const struct session *session,
	    struct pollfd entries[SESSION_ENTRIES]);
int64_t	session_deadline(const struct session *session);

/* Call after every wait: go on, without blocking. */
void	session_handle(struct session *session,
	    const struct pollfd entries[SESSION_ENTRIES], int64_t now);

/* The next reply, now the caller's; NULL: none yet. */
struct reply *session_next(struct session *session);
void	session_reply_free(struct reply *reply);

/*
 * End the processes, those with a call by SIGTERM and then SIGKILL.  Blocks until they
 * have ended, 10 seconds at most.  NULL does nothing.
 */
void	session_free(struct session *session);

#endif
