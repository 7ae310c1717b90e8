#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/privileges.h"

int
privileges_drop(const char *user, struct error *error)
{
	const struct passwd *entry = getpwnam(user);

	if (entry == NULL)
		return (error_set(error, EXIT_USAGE, "no such user: %s", user));
	if (geteuid() != 0 && geteuid() == entry->pw_uid)
		return (0);
	if (initgroups(user, entry->pw_gid) == -1 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) == -1 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) == -1)
		return (error_errno(error, "cannot become user %s", user));
	return (0);
}

void
privileges_hide_memory(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}
