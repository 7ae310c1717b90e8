#ifndef ZR_SOURCE_H
#define ZR_SOURCE_H

#include "step/command.h"
#include "step/failure.h"
#include "verify/digest_child.h"
#include "zrepl.pb-c.h"

/*
 * A snapshot of an endpoint as the lines of its digest: Send, in full and without any
 * guarantee, so that the endpoint makes no hold and no cursor, and a child that digests
 * the rest of its output (digest_child.h).  Nothing here blocks.
 *
 *	source_poll() ... source_handle()
 *	while ((line = source_line(source)) != NULL)
 *		... source_take(source);
 */
struct source_order {
	const char *role;		/* "sender", "receiver": for diagnostics */
	const char *string;		/* the command string (command.h) */
	const char *filesystem;
	const FilesystemVersion *version;
};

enum source_phase {
	SOURCE_ANSWER,		/* Send runs, its answer line is incomplete */
	SOURCE_STREAM,
	SOURCE_ENDING,		/* both processes are being ended */
	SOURCE_OVER		/* both have ended, and every line was taken */
};

struct source {
	const char *role;
	enum source_phase phase;
	struct command command;
	struct process child;
	struct buffer in;		/* reports */
	struct digest_report report;	/* the last one */
	char text[DIGEST_TEXT_MAX + 1];	/* its reason */
	bool have_line;			/* it is a line, not taken yet */
	bool complete;			/* the sum was read */
	bool begun;
	struct stream_sum sum;		/* begun: its kind and guid */
	uint64_t expected;		/* bytes; 0: unknown */
	uint64_t bytes;			/* so far */
	int child_code;			/* how the child ended */
	enum failure failure;		/* once over */
	struct error error;
};

#define SOURCE_ENTRIES (CALL_ENTRIES + 1)

/* Start Send.  order is not needed any more then.  After -1 nothing has to be freed. */
int	source_start(struct source *source, const struct source_order *order,
	    struct error *error);

/* The events and the deadline to wait for. */
void	source_poll(const struct source *source, struct pollfd entries[SOURCE_ENTRIES]);
int64_t	source_deadline(const struct source *source);

/* Go on, without blocking. */
void	source_handle(struct source *source,
	    const struct pollfd entries[SOURCE_ENTRIES], int64_t now);

/* The line whose turn it is; NULL: it is not there yet, or none will come. */
const struct sum_line *source_line(const struct source *source);

/* Go on to the next one. */
void	source_take(struct source *source);

/* Nobody wants the rest: that is no failure. */
void	source_end(struct source *source, int64_t now);

/* As command_free().  Blocks until both processes have ended. */
void	source_free(struct source *source, char *hints, size_t size);

#endif
