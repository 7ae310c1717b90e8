/*
 * The zfs recv of one stream.
 */
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "format/zrepl_name.h"
#include "receiver/receiver_recv.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_property.h"

/* Add -o and -x, except those that do not apply to the received dataset. */
static void
add_options(struct zfs_arguments *arguments, const struct receiver *receiver,
    const char *target, uint32_t type)
{
	char left_out[4096] = "";

	for (size_t i = 0; i < receiver->option_count; i += 2) {
		if (zfs_property_applies(receiver->options[i + 1], type)) {
			zfs_arguments_add(arguments, receiver->options[i]);
			zfs_arguments_add(arguments, receiver->options[i + 1]);
			continue;
		}
		strlcat(left_out, left_out[0] == '\0' ? "" : ", ", sizeof(left_out));
		strlcat(left_out, receiver->options[i], sizeof(left_out));
		strlcat(left_out, " ", sizeof(left_out));
		strlcat(left_out, receiver->options[i + 1], sizeof(left_out));
	}
	if (left_out[0] != '\0')
		diag(DIAG_LOG "%.*s is a %s: left out %s", (int)strcspn(target, "@"),
		    target, type == ZSTREAM_VOLUME ? "volume" : "filesystem",
		    left_out);
}

int
receiver_recv(const struct receiver *receiver, const char *target,
    const struct stream_head *head, enum recv_flags flags,
    struct verdict *verdict, struct progress *progress, struct error *error)
{
	struct zfs_arguments arguments = zfs_arguments("recv", NULL);
	int result;

	if ((flags & RECV_FORCE) != 0)
		zfs_arguments_add(&arguments, "-F");
	if (!receiver->not_resumable)
		zfs_arguments_add(&arguments, "-s");
	if (receiver->unmounted)
		zfs_arguments_add(&arguments, "-u");
	/* The sender must not decide about holds here. */
	zfs_arguments_add(&arguments, "-h");
	/* ZFS itself undoes this if the receive fails in any way. */
	if ((flags & RECV_NO_PLACEHOLDER) != 0) {
		zfs_arguments_add(&arguments, "-o");
		zfs_arguments_add(&arguments, ZREPL_PLACEHOLDER_PROPERTY "=off");
	}
	add_options(&arguments, receiver, target, head->stream.type);
	zfs_arguments_add(&arguments, target);
	if ((flags & RECV_HEAD_TAKEN) != 0) {
		arguments.input = buffer_front(&head->bytes);
		arguments.input_length = buffer_length(&head->bytes);
	}
	arguments.verdict = verdict;
	arguments.progress = progress->fd == -1 ? NULL : progress;
	result = zfs_do(&arguments, ZFS_READ_INPUT, error);
	zfs_arguments_free(&arguments);
	return (result);
}

int
receiver_recv_abort(const char *name, struct error *error)
{
	/* Another process may have aborted it already. */
	static const char *const fine[] = {
		"does not have any resumable receive state to abort", NULL
	};
	struct zfs_arguments arguments = zfs_arguments("recv", "-A", name, NULL);
	struct zfs_report report;
	int result;

	result = zfs_run(&arguments, 0, NULL, &report, error);
	zfs_arguments_free(&arguments);
	report.command = "abort";	/* it needs other permissions than recv */
	if (result == 0 && report.exit_code != 0 && !zfs_words_all(&report, fine))
		result = zfs_failed(&report, error);
	return (result);
}
