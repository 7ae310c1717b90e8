#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/fs_name.h"
#include "zfs/zfs_advice.h"

/*
 * The first entry with a phrase that occurs in the words is the advice.  In it %F stands
 * for the filesystem, %D for the dataset (with its snapshot), %P for the pool.  The
 * phrases are those of OpenZFS 2.0 to 2.3, up to the end of the line if zfs breaks it.
 */
#define HELD								\
	"something holds it: \"zr-holds list %F\" shows what replication "	\
	"holds, \"zr-holds release %F\" what of that could go; "		\
	"\"zfs holds %D\" shows other holds"
#define HELD_ELSEWHERE "something holds it: \"zfs holds %D\" shows by which tag"
#define CLONES								\
	"clones were made of it: \"zfs list -o name,origin -r %P\" shows "	\
	"them; \"zfs promote\" those that are to stay"
#define SPACE								\
	"destroy snapshots (\"zfs list -o space -r %P\" shows where the "	\
	"space is) or reservations, or add devices"
#define KEY								\
	"\"zfs get encryptionroot %F\" says whose key, \"zfs load-key\" "	\
	"loads it; a raw send (zfs send -w) needs no key on either side"
#define NEWER "it has newer snapshots than that one: destroy them first"

static const struct {
	const char *phrase;
	const char *advice;
} entries[] = {
	{ "has dependent clones", CLONES },
	{ "snapshot is cloned", CLONES },
	{ "clones of previous snapshots exist", CLONES },

	/* The pool. */
	{ "pool I/O is currently suspended",
	    "its devices failed: see \"zpool status %P\", repair them, then "
	    "\"zpool clear %P\"" },
	{ "no such pool",
	    "see \"zpool import\" for pools that could be imported" },
	{ "pool is read-only",
	    "it was imported with readonly=on: export it and import it again" },
	{ "quota exceeded",
	    "a quota of it or of one of its parents is used up: see "
	    "\"zfs get -r quota,refquota %P\", raise it or destroy snapshots" },
	{ "size is less than current used or reserved space",
	    "the quota that is to be set is smaller than what is received: "
	    "raise it, or do not set it on receiving" },
	{ "out of space", SPACE },
	{ "No space left on device", SPACE },

	/* Keys. */
	{ "key must be loaded", KEY },
	{ "key is not loaded", KEY },
	{ "may not be sent with properties without the raw flag",
	    "send it raw (zfs send -w), or without its properties" },
	{ "cannot be used to destroy an encrypted filesystem or overwrite an",
	    "ZFS replaces no filesystem where encryption is involved: rename "
	    "%F first" },
	{ "cannot perform raw receive on top of existing unencrypted",
	    "it was first received without -w, so that its increments must be "
	    "too; to change that, receive it anew under another name" },

	/* Data that the receiver already has. */
	{ "contains partially-complete state",
	    "an interrupted receive left it, if none is under way: resume that "
	    "one (the token is in "
	    "\"zfs get receive_resume_token %F\") or give it up with "
	    "\"zfs receive -A %F\"" },
	{ "resume token is corrupt", ZFS_ADVICE_GIVE_UP },
	{ "used in the initial send", ZFS_ADVICE_GIVE_UP },
	{ "cannot resume send: incremental source", ZFS_ADVICE_GIVE_UP },
	{ "has been modified",
	    "something wrote to it since its last snapshot: \"zfs diff\" that "
	    "snapshot to see what, \"zfs rollback\" to it to lose that; "
	    "\"zfs set readonly=on %F\" keeps it from happening" },
	{ "match incremental source",
	    "its latest snapshot is not the one that the stream begins at: "
	    "compare \"zfs list -t snapshot,bookmark -o name,guid %F\" on both "
	    "sides, and destroy what is only on the receiver" },
	{ "destination has snapshots",
	    "it has snapshots of its own, none in common with the sender: "
	    "rename %F to receive it anew" },
	{ "must specify -F to overwrite it",
	    "it is there already and was not replicated: rename %F to receive "
	    "it anew" },
	{ ZFS_ADVICE_COPIED,
	    "\"zfs set zrepl:placeholder=on %F\" makes it a placeholder again" },
	{ "snapshots or bookmarks exist", NEWER },
	{ "more recent snapshots exist", NEWER },

	/* Data that the sender has. */
	{ "not an earlier snapshot from the same fs",
	    "what it is to start from is not older, or belongs to another "
	    "filesystem: compare \"zfs list -t snapshot,bookmark "
	    "-o name,createtxg %F\"" },

	{ "IV set guid mismatch",
	    "on the receiver the last snapshot came in a plain stream, and a raw "
	    "increment fits only one that came raw: send plain increments, or on "
	    "the receiver go back to the last one that came raw (\"zfs rollback "
	    "-r\" destroys those after it) and send raw from there" },

	/* The stream. */
	{ "incomplete stream",
	    "the sender failed or the connection broke: its own error says "
	    "which; try again" },
	{ "checksum mismatch",
	    "the stream was damaged on its way: try again" },
	{ "failed to read from stream",
	    "the sender sent nothing: its own error says why" },
	{ "has unsupported feature",
	    "the sender's ZFS is newer: send without the flag that needs the "
	    "feature, or \"zpool upgrade %P\"" },
	{ "pool must be upgraded",
	    "\"zpool upgrade %P\" makes it able to receive this; zr-endpoint "
	    "receiver -S does not ask it to keep what an interruption leaves" },

	/* Rights other than "zfs allow". */
	{ "it may only be mounted by root",
	    "on Linux only root mounts: create it with \"zfs create -u\" and "
	    "receive with \"zfs receive -u\"" },
	{ "ZFS utilities must be run as root",
	    "/dev/zfs cannot be opened by this user: make it mode 0666, ZFS "
	    "checks the rights itself" }
};

/* The same, for words whose meaning depends on the command. */
#define READ_ONLY							\
	"the sender's pool was imported with readonly=on: export it and "	\
	"import it again, or ask for GuaranteeNothing, which needs neither "	\
	"holds nor bookmarks"

static const struct {
	const char *command;
	const char *phrase;
	const char *advice;
} command_entries[] = {
	{ "hold", "pool is read-only", READ_ONLY },
	{ "bookmark", "pool is read-only", READ_ONLY },
	{ "bookmark", "bookmark feature not enabled",
	    "on the sender, \"zpool set feature@bookmarks=enabled %P\" enables "
	    "it for good; or ask for GuaranteeNothing, which needs no bookmarks" },
	{ "send", "Input/output error",
	    "data of the snapshot cannot be read, and trying again does not heal "
	    "that: on the sender, \"zpool status -v %P\" lists the damaged files; "
	    "only other copies (a mirror, a backup) have their contents" }
};

/* Tested one by one on OpenZFS 2.3.2, on Linux. */
static const struct {
	const char *command;
	const char *permissions;
} permissions[] = {
	{ "send", "send" },
	{ "hold", "hold" },
	{ "release", "release" },
	{ "bookmark", "bookmark" },
	{ "snapshot", "snapshot" },
	{ "destroy", "destroy,mount" },
	{ "rollback", "rollback,destroy,mount" },
	{ "receive", "receive,create,mount" },
	{ "recv", "receive,create,mount" },
	{ "abort", "destroy,mount" },	/* zfs receive -A */
	{ "create", "create,mount,mountpoint,userprop" },
	{ "set", "userprop" },
	{ "inherit", "userprop" },
	{ "rename", "rename,create,mount" },
	{ "load-key", "load-key" }
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The parts of names; empty if unknown or invalid. */
struct names {
	char dataset[2 * FS_NAME_MAX + 2];
	char filesystem[FS_NAME_MAX + 1];
	char pool[FS_NAME_MAX + 1];
};

static void
take_apart(struct names *names, const char *dataset)
{
	size_t length;

	*names = (struct names){ .dataset = "" };
	if (dataset == NULL || strlen(dataset) >= sizeof(names->dataset))
		return;
	length = strcspn(dataset, "@#");
	if (length > FS_NAME_MAX || (dataset[length] != '\0' &&
	    !fs_name_valid_snapshot(dataset + length + 1)))
		return;
	memcpy(names->filesystem, dataset, length);
	names->filesystem[length] = '\0';
	if (!fs_name_valid_filesystem(names->filesystem)) {
		names->filesystem[0] = '\0';
		return;
	}
	strlcpy(names->dataset, dataset, sizeof(names->dataset));
	strlcpy(names->pool, names->filesystem, sizeof(names->pool));
	names->pool[strcspn(names->pool, "/")] = '\0';
}

/* As one word of a shell; names hold no quotes. */
static void
add_name(char line[ZFS_ADVICE_SIZE], const char *name, const char *instead)
{
	const char *const quote = strpbrk(name, " #") != NULL ? "'" : "";

	strlcat(line, quote, ZFS_ADVICE_SIZE);
	strlcat(line, *name != '\0' ? name : instead, ZFS_ADVICE_SIZE);
	strlcat(line, quote, ZFS_ADVICE_SIZE);
}

static void
fill_in(char line[ZFS_ADVICE_SIZE], const char *advice,
    const struct names *names)
{
	char piece[2] = "";

	for (; *advice != '\0'; advice++) {
		if (strncmp(advice, "%F", 2) == 0)
			add_name(line, names->filesystem, "FILESYSTEM");
		else if (strncmp(advice, "%D", 2) == 0)
			add_name(line, names->dataset, "SNAPSHOT");
		else if (strncmp(advice, "%P", 2) == 0)
			add_name(line, names->pool, "POOL");
		else {
			piece[0] = *advice;
			strlcat(line, piece, ZFS_ADVICE_SIZE);
			continue;
		}
		advice++;
	}
}

static const char *
find(const struct zfs_failure *failure, const char *phrase)
{
	return (memmem(failure->words, failure->length, phrase, strlen(phrase)));
}

/*
 * The permissions of "zfs allow" that a command needs, separated by commas; NULL if
 * unknown.
 */
static const char *
permissions_for(const char *command)
{
	for (size_t i = 0; command != NULL && i < COUNT(permissions); i++)
		if (strcmp(permissions[i].command, command) == 0)
			return (permissions[i].permissions);
	return (NULL);
}

/* The property in "cannot receive PROPERTY property on F: permission denied". */
static bool
denied_property(const struct zfs_failure *failure, char *name, size_t size)
{
	static const char before[] = "cannot receive ";
	static const char behind[] = " property on ";
	const char *const end = failure->words + failure->length;
	const char *at = find(failure, before);
	size_t length;

	if (at == NULL)
		return (false);
	at += strlen(before);
	for (length = 0; at + length < end && strchr(
	    "abcdefghijklmnopqrstuvwxyz0123456789:_.-", at[length]) != NULL &&
	    at[length] != '\0'; length++)
		;
	if (length == 0 || length >= size ||
	    (size_t)(end - at) - length < strlen(behind) ||
	    memcmp(at + length, behind, strlen(behind)) != 0)
		return (false);
	memcpy(name, at, length);
	name[length] = '\0';
	/* User properties have one permission in common. */
	if (strchr(name, ':') != NULL)
		strlcpy(name, "userprop", size);
	return (true);
}

static const char *
user_name(void)
{
	const struct passwd *const user = getpwuid(geteuid());

	return (user != NULL ? user->pw_name : "USER");
}

static void
advise_allow(char line[ZFS_ADVICE_SIZE], const struct zfs_failure *failure,
    const struct names *names)
{
	const char *const user = failure->user != NULL ? failure->user :
	    user_name();
	const char *missing = permissions_for(failure->command);
	char property[64];

	if (denied_property(failure, property, sizeof(property)))
		missing = property;
	snprintf(line, ZFS_ADVICE_SIZE, "the user %s may not do that: "
	    "\"zfs allow -u %s %s ", user, user,
	    missing != NULL ? missing : "PERMISSIONS");
	add_name(line, names->filesystem, "FILESYSTEM");
	strlcat(line, "\", on it or a parent, allows it", ZFS_ADVICE_SIZE);
}

static void
advise_held(char line[ZFS_ADVICE_SIZE], const struct zfs_failure *failure,
    const struct names *names)
{
	fill_in(line, failure->elsewhere ? HELD_ELSEWHERE : HELD, names);
}

/* "dataset is busy" has a different meaning for each command. */
static void
advise_busy(char line[ZFS_ADVICE_SIZE], const struct zfs_failure *failure,
    const struct names *names)
{
	/* The dataset that is to be received does not exist yet. */
	if ((strchr(names->dataset, '@') != NULL || find(failure, "snapshot")) &&
	    (failure->command == NULL || strcmp(failure->command, "recv") != 0))
		advise_held(line, failure, names);
	else
		fill_in(line, failure->elsewhere ?
		    "another zfs command works on %F, a snapshot of it "
		    "is held (\"zfs list -rt snapshot -o name,userrefs %F\") or a "
		    "process uses it as mounted (\"fuser -m\" its mountpoint)" :
		    "another zfs command works on %F, a snapshot of it "
		    "is held (\"zr-holds list %F\") or a process uses it as "
		    "mounted (\"fuser -m\" its mountpoint)", names);
}

bool
zfs_advice(char line[ZFS_ADVICE_SIZE], const struct zfs_failure *failure)
{
	struct names names;

	line[0] = '\0';
	take_apart(&names, failure->dataset);
	if (find(failure, "ermission denied") != NULL &&
	    find(failure, "ZFS utilities must be run as root") == NULL) {
		advise_allow(line, failure, &names);
		return (true);
	}
	for (size_t i = 0; i < COUNT(command_entries); i++)
		if (failure->command != NULL && strcmp(failure->command,
		    command_entries[i].command) == 0 &&
		    find(failure, command_entries[i].phrase) != NULL) {
			fill_in(line, command_entries[i].advice, &names);
			return (true);
		}
	/* 2.2 and newer; older ones say "dataset is busy". */
	if (find(failure, "it's being held") != NULL) {
		advise_held(line, failure, &names);
		return (true);
	}
	for (size_t i = 0; i < COUNT(entries); i++)
		if (find(failure, entries[i].phrase) != NULL) {
			fill_in(line, entries[i].advice, &names);
			return (true);
		}
	if (find(failure, "dataset is busy") == NULL)
		return (false);
	advise_busy(line, failure, &names);
	return (true);
}
