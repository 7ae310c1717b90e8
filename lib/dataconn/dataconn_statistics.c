#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/io.h"
#include "dataconn/dataconn_private.h"

static double
seconds(const struct timeval *time)
{
	return ((double)time->tv_sec + (double)time->tv_usec / 1000000);
}

void
dataconn_begin_statistics(struct dataconn *conn)
{
	conn->statistics = (struct dataconn_statistics){ .started = io_now() };
}

int
dataconn_write_statistics(const struct dataconn *conn, const char *path,
    int result, struct error *error)
{
	const struct dataconn_statistics *statistics = &conn->statistics;
	FILE *file;
	struct rusage used;
	int failed;

	if (statistics->started == 0 || (conn->left_unused &&
	    conn->in.exchange.role == EXCHANGE_SERVER))
		return (0);
	file = strcmp(path, "-") == 0 ? stderr : fopen(path, "we");
	getrusage(RUSAGE_SELF, &used);
	if (file == NULL)
		return (error_errno(error, "%s", path));
	fprintf(file, "{\"bytes\":%" PRIu64 ",\"wire_bytes\":%" PRIu64
	    ",\"frames\":%" PRIu64 ",\"compressed_frames\":%" PRIu64
	    ",\"heartbeats_sent\":%" PRIu64 ",\"heartbeats_received\":%" PRIu64
	    ",\"seconds\":%.3f,\"waited_for_network\":%.3f"
	    ",\"waited_for_producer\":%.3f,\"waited_for_consumer\":%.3f"
	    ",\"waited_for_rate\":%.3f,\"cpu\":%.3f,\"exit\":%d}\n",
	    statistics->bytes, conn->in.wire + conn->out.wire,
	    conn->in.frames + conn->out.frames,
	    conn->in.compressed_frames + conn->out.compressed_frames,
	    statistics->heartbeats_sent,
	    statistics->heartbeats_received,
	    (double)(io_now() - statistics->started) / 1000,
	    (double)statistics->network_ms / 1000,
	    (double)statistics->producer_ms / 1000,
	    (double)statistics->consumer_ms / 1000,
	    (double)statistics->rate_ms / 1000, seconds(&used.ru_utime) +
	    seconds(&used.ru_stime), result);
	failed = fflush(file) != 0 || ferror(file);
	if (file != stderr)
		failed |= fclose(file) != 0;
	return (failed ? error_errno(error, "%s", path) : 0);
}
