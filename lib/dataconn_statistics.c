#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataconn.h"
#include "io.h"

int
dataconn_write_statistics(const struct dataconn *conn, const char *path,
    int result, struct error *error)
{
	const struct dataconn_statistics *statistics = &conn->statistics;
	FILE *file = strcmp(path, "-") == 0 ? stderr : fopen(path, "we");
	int failed;

	if (file == NULL)
		return (error_errno(error, "%s", path));
	fprintf(file, "{\"bytes\":%" PRIu64 ",\"frames\":%" PRIu64
	    ",\"heartbeats_sent\":%" PRIu64 ",\"heartbeats_received\":%" PRIu64
	    ",\"seconds\":%.3f,\"waited_for_network\":%.3f"
	    ",\"waited_for_producer\":%.3f,\"waited_for_consumer\":%.3f"
	    ",\"waited_for_rate\":%.3f,\"exit\":%d}\n",
	    statistics->bytes, statistics->frames, statistics->heartbeats_sent,
	    statistics->heartbeats_received,
	    (double)(io_now() - statistics->started) / 1000,
	    (double)statistics->network_ms / 1000,
	    (double)statistics->producer_ms / 1000,
	    (double)statistics->consumer_ms / 1000,
	    (double)statistics->rate_ms / 1000, result);
	failed = fflush(file) != 0 || ferror(file);
	if (file != stderr)
		failed |= fclose(file) != 0;
	return (failed ? error_errno(error, "%s", path) : 0);
}
