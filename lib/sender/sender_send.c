/* One step of replication on the sender: its stream, by zfs send. */
#include <signal.h>
#include <string.h>

#include "base/diag.h"
#include "base/number.h"
#include "sender/sender.h"
#include "zfs/zfs_command.h"

#define SIZE_ABSURD (UINT64_C(1) << 60)	/* bytes */

/* --- what gets lost on the way --- */

static void
warn(const char *flag, const char *advice)
{
	diag(DIAG_LOG "a copy made with zfs send %s may lose long links' targets and "
	    "extended attributes: %s (zr-endpoint(1), The sender)", flag, advice);
}

static bool
has_flag(const struct sender *sender, const char *flag)
{
	for (size_t i = 0; i < sender->flag_count; i++)
		if (strcmp(sender->flags[i], flag) == 0)
			return (true);
	return (false);
}

void
sender_warn(const struct sender *sender)
{
	/* Encrypted blocks are never embedded. */
	if (has_flag(sender, "-e") && (sender->raw || !sender->encrypted))
		warn("-e", "leave it out");
	else if (sender->raw && !sender->encrypted)
		warn("-w of what is not encrypted", "-E -w sends that in the clear");
}

static void
warn_of_stream(const struct sender_step *step, const struct sender *sender)
{
	if (step->list.objects[0].encrypted)
		return;
	if (step->resumes_embedded)
		warn("-e or -w", "the stream that is resumed was begun with it");
	else if (step->from == NULL)
		sender_warn(sender);
}

/* --- zfs send --- */

/* The rest of the command line of "zfs send"; options come first. */
static struct zfs_arguments
send_arguments(const struct sender_step *step, const struct sender *sender,
    bool dry)
{
	struct zfs_arguments arguments = zfs_arguments("send", NULL);

	if (dry)
		zfs_arguments_add(&arguments, "-nvP");
	if (step->request->resumetoken[0] != '\0') {
		zfs_arguments_add(&arguments, "-t");
		zfs_arguments_add(&arguments, step->request->resumetoken);
		return (arguments);
	}
	if (step->raw)
		zfs_arguments_add(&arguments, "-w");
	for (size_t i = 0; i < sender->flag_count; i++)
		zfs_arguments_add(&arguments, sender->flags[i]);
	if (step->from != NULL) {
		zfs_arguments_add(&arguments, "-i");
		zfs_arguments_add(&arguments, step->from->name);
	}
	zfs_arguments_add(&arguments, step->to->name);
	return (arguments);
}

/* The number in the last line that says "size". */
static uint64_t
estimate(const char *text)
{
	char digits[32];
	uint64_t size = 0;
	size_t length;

	for (; text != NULL; text = strchr(text, '\n')) {
		text += *text == '\n';
		length = strcspn(text, "\n");
		if (strncmp(text, "size\t", 5) == 0 && length < sizeof(digits)) {
			memcpy(digits, text + 5, length - 5);
			digits[length - 5] = '\0';
			number_parse(&size, digits, 10, 0, SIZE_ABSURD - 1);
		}
		if (*text == '\0')
			break;
	}
	return (size);
}

int
sender_step_size(const struct sender_step *step, const struct sender *sender,
    uint64_t *size, struct error *error)
{
	struct buffer output = BUFFER_EMPTY(1u << 20);
	struct zfs_arguments arguments;
	struct zfs_report report;
	int result;

	*size = 0;
	if (step->from != NULL && step->from->type == ZFS_BOOKMARK)
		return (0);
	arguments = send_arguments(step, sender, true);
	result = zfs_run(&arguments, 0, &output, &report, error);
	zfs_arguments_free(&arguments);
	if (result == 0 && report.exit_code != 0)
		result = zfs_failed(&report, error);
	if (result == 0 && buffer_append(&output, "", 1) == 0)
		*size = estimate((const char *)buffer_front(&output));
	buffer_free(&output);
	return (result);
}

int
sender_step_send(const struct sender_step *step, const struct sender *sender,
    struct error *error)
{
	struct zfs_arguments arguments = send_arguments(step, sender, false);
	struct zfs_report report;
	int result;

	warn_of_stream(step, sender);
	result = zfs_run(&arguments, ZFS_WRITE_OUTPUT, NULL, &report, error);
	zfs_arguments_free(&arguments);
	if (result == -1 || report.exit_code == 0)
		return (result);
	if (report.exit_code == EXIT_SIGNAL + SIGPIPE)
		return (error_set(error, EXIT_FAILED,
		    "the stream was not wanted any more"));
	return (zfs_failed(&report, error));
}
