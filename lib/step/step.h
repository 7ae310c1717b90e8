#ifndef ZR_STEP_H
#define ZR_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "endpoint/progress.h"
#include "zrepl.pb-c.h"

/*
 * One replication step between two endpoints (zr-protocol(7), The plan,
 * rule 5), each given as a command string (command.h):
 *
 *	Send on the sender -> its answer
 *	Receive on the receiver, the rest of the sender's pipe its standard
 *	    input, with ClearResumeToken = not UsedResumeToken
 *	both waited for
 *	SendCompleted on the sender
 *
 * The stream goes from one to the other through the pipe that they share; no
 * byte of it passes through here.  The receiver gets ZR_VERDICT (verdict.h):
 * "0" once the sender has ended with status 0, its reason when it failed.
 */
struct step {
	const char *sender;		/* command strings */
	const char *receiver;
	const SendReq *request;
	const char *destination;	/* the receiver's Filesystem; NULL: the same */
	struct progress *progress;	/* where the receiver's progress is told */
};

struct step_result {
	bool used_resume_token;
	bool bytes_known;	/* did the receiver say (ZR_PROGRESS)? */
	uint64_t bytes;		/* of the stream */
	int64_t elapsed_ms;
	char hints[4096];	/* what to do about the error: lines */
};

/*
 * Run it.  SIGCHLD, SIGTERM, SIGINT and SIGHUP must be caught (signals.h) and
 * SIGPIPE ignored; after one of the three both commands are ended and the
 * error's code is EXIT_SIGNAL plus its number.  No child is left.
 *
 * EXIT_FAILED and the reason where a command fails: the sender's first when
 * both do, but the receiver's when the sender failed because of it.
 * EXIT_PROTOCOL where an answer is not what the interface asks for.
 */
int	step_run(const struct step *step, struct step_result *result,
	    struct error *error);

#endif
