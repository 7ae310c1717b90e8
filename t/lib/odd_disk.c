/*
 * LD_PRELOAD=odd_disk.so: a disk for tests that is not as others are.
 *
 *	ODD_DISK_CASE=ignore	names below a directory are found whatever the case
 *	ODD_DISK_FAIL=N		the Nth fsync(2) of the process fails with EIO
 *	ODD_DISK_LOG=FILE	gets the path of each that is synced
 *	ODD_DISK_BAD=OFFSET	pread(2) fails with EIO from this offset of any file on
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The name that is there already for this one, else the name itself. */
static const char *
stored(int directory, const char *name, char buffer[256])
{
	const char *mode = getenv("ODD_DISK_CASE");
	struct dirent *entry;
	DIR *stream;
	int fd;

	if (mode == NULL || directory == AT_FDCWD || strchr(name, '/') != NULL ||
	    strcmp(name, ".") == 0)
		return (name);
	fd = (int)syscall(SYS_openat, directory, ".", O_RDONLY | O_DIRECTORY, 0);
	stream = fd == -1 ? NULL : fdopendir(fd);
	while (stream != NULL && (entry = readdir(stream)) != NULL)
		if (strcasecmp(entry->d_name, name) == 0) {
			snprintf(buffer, 256, "%s", entry->d_name);
			name = buffer;
			break;
		}
	if (stream != NULL)
		closedir(stream);
	return (name);
}

int
openat(int directory, const char *name, int flags, ...)
{
	char buffer[256];
	va_list arguments;
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return ((int)syscall(SYS_openat, directory, stored(directory, name, buffer),
	    flags, mode));
}

int
mkdirat(int directory, const char *name, mode_t mode)
{
	char buffer[256];

	return ((int)syscall(SYS_mkdirat, directory,
	    stored(directory, name, buffer), mode));
}

int
unlinkat(int directory, const char *name, int flags)
{
	char buffer[256];

	return ((int)syscall(SYS_unlinkat, directory,
	    stored(directory, name, buffer), flags));
}

int
fstatat(int directory, const char *name, struct stat *status, int flags)
{
	static int (*next)(int, const char *, struct stat *, int);
	char buffer[256];

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "fstatat");
	return (next(directory, stored(directory, name, buffer), status, flags));
}

int
fsync(int fd)
{
	static long count;
	const char *fail = getenv("ODD_DISK_FAIL"), *log = getenv("ODD_DISK_LOG");
	char link[64], path[4096];
	ssize_t length;
	int out;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	out = log == NULL || length <= 0 ? -1 :
	    open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out != -1) {
		path[length] = '\n';
		if (write(out, path, (size_t)length + 1) == -1)
			abort();
		close(out);
	}
	if (fail != NULL && ++count == atol(fail)) {
		errno = EIO;
		return (-1);
	}
	return ((int)syscall(SYS_fsync, fd));
}

ssize_t
pread(int fd, void *buffer, size_t size, off_t offset)
{
	const char *bad = getenv("ODD_DISK_BAD");

	if (bad != NULL && offset >= strtoll(bad, NULL, 10)) {
		errno = EIO;
		return (-1);
	}
	if (bad != NULL && offset + (off_t)size > strtoll(bad, NULL, 10))
		size = (size_t)(strtoll(bad, NULL, 10) - offset);
	return (syscall(SYS_pread64, fd, buffer, size, offset));
}
