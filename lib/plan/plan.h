#ifndef ZR_PLAN_H
#define ZR_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "plan/listing.h"
#include "retention/pattern.h"
#include "retention/rules.h"

/*
 * The steps that bring one filesystem of a sender to a receiver (zr-plan(1);
 * zr-protocol(7), The plan).  Pure: two entries of listings and the rules go in, a
 * verdict and steps come out.
 */
enum plan_verdict {
	PLAN_UP_TO_DATE,	/* the receiver has everything that is to be sent */
	PLAN_INCREMENTAL,	/* steps from a version that both have */
	PLAN_INITIAL,		/* steps that begin with a full stream */
	PLAN_RESUME,		/* the first step continues a broken one */
	PLAN_RESTART,		/* as without the receiver's token, which is of no use */
	PLAN_PLACEHOLDER,	/* nothing to send, but children may have something */
	PLAN_CONFLICT,		/* a person has to decide */
	PLAN_ERROR		/* there is no plan */
};

/* Of PLAN_CONFLICT and PLAN_ERROR: which. */
enum plan_problem {
	PLAN_NO_PROBLEM,
	PLAN_NO_COMMON,		/* the receiver has snapshots, none of them ours */
	PLAN_DIVERGED,		/* it has newer ones than the newest common one */
	PLAN_SENDER_EMPTY,	/* it has snapshots, the sender has no version */
	PLAN_ONLY_BOOKMARKS,	/* no snapshot to send, nothing to start from */
	PLAN_INITIAL_DISABLED,	/* PLAN_INITIAL_FAIL */
	PLAN_TOKEN,		/* its resume token cannot be read */
	PLAN_PLACEHOLDER_HERE,	/* only a placeholder on the sender */
	PLAN_LISTING,		/* one side could not be listed */
	PLAN_PARENT,		/* a parent that must be made first cannot be */
	PLAN_PATTERN		/* a pattern cannot be matched */
};

enum plan_initial {
	PLAN_INITIAL_MOST_RECENT,
	PLAN_INITIAL_ALL,
	PLAN_INITIAL_FAIL
};

struct plan_rules {
	struct pattern *include;	/* NULL: every snapshot */
	struct pattern *exclude;	/* NULL: none */
	bool newest_only;
	struct rules retention;		/* the receiver's; without one nothing is left out */
	enum plan_initial initial;
	ReplicationGuaranteeKind protect_initial;
	ReplicationGuaranteeKind protect_incremental;
};

#define PLAN_RULES_DEFAULT ((struct plan_rules){ \
	.protect_initial = REPLICATION_GUARANTEE_KIND__GuaranteeResumability, \
	.protect_incremental = REPLICATION_GUARANTEE_KIND__GuaranteeResumability })

struct plan_step {
	const FilesystemVersion *from;	/* NULL: a full stream */
	const FilesystemVersion *to;
	const char *resume_token;	/* NULL: from the beginning */
};

/* A snapshot that the receiver does not have and does not get. */
struct plan_skipped {
	const FilesystemVersion *version;
	const char *why;		/* "excluded", ...; static */
};

/* A list of versions that belong to a listing. */
struct plan_versions {
	const FilesystemVersion **versions;
	size_t count;
};

struct plan {
	const Listing *sender;
	const Listing *receiver;	/* NULL: the receiver does not have it */
	const char *destination;	/* its name there; the caller's */
	enum plan_verdict verdict;
	enum plan_problem problem;
	const FilesystemVersion *base;	/* the newest common version, or NULL */
	struct plan_step *steps;	/* owned, as are the lists below */
	size_t step_count;
	struct plan_skipped *skipped;
	size_t skipped_count;
	struct plan_versions sender_only, receiver_only;	/* where in conflict */
	char message[512];		/* why; "": nothing to say */
	char advice[1024];		/* what to do about it; or "" */
};

/*
 * Plan one filesystem.  Everything in the plan points into the listings, which
 * must outlive it.  -1 (EXIT_SYSTEM): out of memory; nothing is to be freed.
 */
int	plan_make(struct plan *plan, const struct plan_rules *rules,
	    const Listing *sender, const Listing *receiver,
	    const char *destination, struct error *error);

/* The SendReq of a step; it points into itself and into the listings. */
struct plan_request {
	SendReq request;
	ReplicationConfig config;
	ReplicationConfigProtection protection;
};

void	plan_request(struct plan_request *request, const struct plan *plan,
	    const struct plan_step *step, const struct plan_rules *rules);

/* Turn it into a plan without steps: this problem, for this reason. */
void	plan_fail(struct plan *plan, enum plan_verdict verdict,
	    enum plan_problem problem, const char *format, ...)
	    __attribute__((format(printf, 4, 5)));

/*
 * Set the message, or the advice.  What does not fit is cut, and a character that is
 * cut becomes '?': names and errors come from peers.
 */
void	plan_say(struct plan *plan, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));
void	plan_advise(struct plan *plan, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* Does it begin with a full stream, which must arrive before those of its children? */
bool	plan_creates(const struct plan *plan);

/* PLAN_CONFLICT or PLAN_ERROR. */
bool	plan_failed(const struct plan *plan);

void	plan_free(struct plan *plan);

#endif
