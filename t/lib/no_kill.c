/*
 * LD_PRELOAD=no_kill.so: SIGKILL of this program has no effect, as on a process that the
 * kernel does not let go.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int
kill(pid_t pid, int number)
{
	return (number == SIGKILL ? 0 : (int)syscall(SYS_kill, pid, number));
}
