/*
 * Replays what a fuzzer once found, without the fuzzer: each file of
 * t/fuzz/regressions/NAME, and the empty input, goes to the target this is
 * linked with; what it found must not end the program again.  The program is
 * called fuzz-NAME.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include "unit.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const char *path)
{
	struct stat status;
	uint8_t *data;
	FILE *file;

	if ((file = fopen(path, "rb")) == NULL || fstat(fileno(file), &status) == -1)
		err(1, "%s", path);
	if ((data = malloc((size_t)status.st_size + 1)) == NULL ||
	    fread(data, 1, (size_t)status.st_size, file) != (size_t)status.st_size)
		err(1, "%s", path);
	LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
	free(data);
	fclose(file);
}

int
main(void)
{
	const char *fuzzer = program_invocation_short_name + strlen("fuzz-");
	static char path[4096], name[512];
	struct dirent *entry;
	DIR *files;

	setvbuf(stdout, NULL, _IONBF, 0);
	snprintf(name, sizeof(name), "fuzzer %s: an empty input", fuzzer);
	TEST(name) {
		uint8_t nothing = 0;

		CHECK(LLVMFuzzerTestOneInput(&nothing, 0) == 0);
	}
	snprintf(path, sizeof(path), "t/fuzz/regressions/%s", fuzzer);
	files = opendir(path);
	while (files != NULL && (entry = readdir(files)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		unit_close();	/* before its name is overwritten */
		snprintf(path, sizeof(path), "t/fuzz/regressions/%s/%s", fuzzer, entry->d_name);
		snprintf(name, sizeof(name), "fuzzer %s: %s", fuzzer, entry->d_name);
		TEST(name)
			replay(path);
	}
	if (files != NULL)
		closedir(files);
	return (unit_end());
}
