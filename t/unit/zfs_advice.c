/* zfs_advice on the words of OpenZFS 2.0 to 2.3, and on none. */
#include "unit.h"
#include "zfs/zfs_advice.h"

/* What zfs wrote, word for word, and a part of the advice that must come. */
static const struct {
	const char *command;
	const char *dataset;
	const char *words;
	const char *advice;	/* NULL: none */
} cases[] = {
	{ "destroy", "p/m@1", "cannot destroy snapshot p/m@1: it's being held. "
	    "Run 'zfs holds -r p/m@1' to see holders.\n",
	    "\"zr-holds list p/m\" shows" },
	{ "destroy", "p/m@1", "cannot destroy snapshot p/m@1: dataset is busy\n",
	    "\"zfs holds p/m@1\"" },
	{ "destroy", "p/a b@1", "cannot destroy snapshot p/a b@1: dataset is busy\n",
	    "\"zfs holds 'p/a b@1'\"" },
	{ "receive", "p/m", "cannot receive: pool or dataset is busy\n",
	    "another zfs command" },
	{ "recv", "p/m@1", "cannot receive new filesystem stream: dataset is "
	    "busy\n", "another zfs command" },
	{ "destroy", "p/m@2", "cannot destroy 'p/m@2': snapshot has dependent "
	    "clones\nuse '-R' to destroy the following datasets:\np/clone\n",
	    "clones were made of it" },
	{ "rollback", "p/m@1", "cannot rollback to 'p/m@1': clones of previous "
	    "snapshots exist\nuse '-R' to force deletion of the following "
	    "clones and dependents:\np/clone\n", "zfs promote" },
	{ "rollback", "p/r@1", "cannot rollback to 'p/r@1': more recent "
	    "snapshots or bookmarks exist\nuse '-r' to force deletion of the "
	    "following snapshots and bookmarks:\np/r@2\n", "newer snapshots" },

	{ "snapshot", "s/a@3", "cannot open 's/a': pool I/O is currently "
	    "suspended\nusage:\n\tsnapshot [-r] [-o property=value] ...",
	    "zpool status s" },
	{ "create", "s/b", "cannot create 's/b': pool I/O is currently "
	    "suspended\n", "zpool clear s" },
	{ "receive", "p/q/x", "cannot receive new filesystem stream: destination "
	    "p/q/x space quota exceeded.\n", "quota,refquota p" },
	{ "receive", "p/rqx", "cannot receive refquota property on p/rqx: size is "
	    "less than current used or reserved space\n", "raise it" },
	{ "receive", "p/full", "cannot receive new filesystem stream: out of "
	    "space\n", "zfs list -o space -r p" },
	{ "snapshot", "p/m@3", "cannot create snapshots : out of space\n",
	    "destroy snapshots" },

	{ "send", "p/e@1", "warning: cannot send 'p/e@1': dataset key must be "
	    "loaded\n", "zfs get encryptionroot p/e" },
	{ "receive", "p/e/new", "cannot receive new filesystem stream: inherited "
	    "key must be loaded\n", "zfs load-key" },
	{ "create", "p/e/new", "cannot create 'p/e/new': encryption root's key "
	    "is not loaded or provided\n", "zfs load-key" },
	{ "send", "p/e@1", "cannot send p/e@1: encrypted dataset p/e may not be "
	    "sent with properties without the raw flag\nwarning: cannot send "
	    "'p/e@1': backup failed\n", "zfs send -w" },
	{ "receive", "p/b", "cannot receive new filesystem stream: zfs receive "
	    "-F cannot be used to destroy an encrypted filesystem or overwrite "
	    "an unencrypted one with an encrypted one\n", "rename p/b first" },
	{ "receive", "p/plain", "cannot receive incremental stream: cannot "
	    "perform raw receive on top of existing unencrypted dataset\n",
	    "first received without -w" },

	{ "receive", "p/res", "cannot receive incremental stream: destination "
	    "p/res contains partially-complete state from \"zfs receive -s\".\n",
	    "\"zfs receive -A p/res\"" },
	{ "send", NULL, "cannot resume send: resume token is corrupt (incorrect "
	    "checksum)\n", "zfs receive -A" },
	{ "send", "1-9-b0-78", "cannot resume send: 's/t@1' used in the initial "
	    "send no longer exists\n", "zfs receive -A" },
	{ "send", "1-9-b0-78", "cannot resume send: 's/t@1' is no longer the same "
	    "snapshot used in the initial send\n", "zfs receive -A" },
	{ "send", "1-9-b0-78", "cannot resume send: incremental source "
	    "0xbe52d456f12c0724 no longer exists\n", "zfs receive -A" },
	{ "recv", "d/e@3", "cannot receive incremental stream: IV set guid "
	    "mismatch. See the 'zfs receive' man page section\n discussing the "
	    "limitations of raw encrypted send streams.\n", "zfs rollback -r" },
	{ "send", "s/x@1", "warning: cannot send 's/x@1': Input/output error\n",
	    "zpool status -v s" },
	{ "recv", "s/x@1", "cannot receive: Input/output error\n", NULL },
	{ "hold", "ro/d@1", "cannot hold: pool is read-only\n",
	    "GuaranteeNothing" },
	{ "bookmark", "ro/d#b", "cannot create bookmark 'ro/d#b': pool is "
	    "read-only\n", "GuaranteeNothing" },
	{ "recv", "ro/d", "cannot receive new filesystem stream: pool is "
	    "read-only\n", "export it and import it again" },
	{ "bookmark", "nof/d#b", "cannot create bookmark 'nof/d#b': bookmark "
	    "feature not enabled\n", "zpool set feature@bookmarks=enabled nof" },
	{ "receive", "p/r", "cannot receive incremental stream: destination p/r "
	    "has been modified\nsince most recent snapshot\n",
	    "zfs set readonly=on p/r" },
	{ "receive", "p/b", "cannot receive incremental stream: most recent "
	    "snapshot of p/b does not\nmatch incremental source\n",
	    "name,guid p/b" },
	{ "receive", "p/r", "cannot receive new filesystem stream: destination "
	    "'p/r' exists\nmust specify -F to overwrite it\n", "rename p/r to" },
	{ "receive", "p/r", "cannot receive new filesystem stream: destination "
	    "has snapshots (eg. p/r@1)\nmust destroy them to overwrite it\n",
	    "none in common" },
	{ "send", "p/m@1", "warning: cannot send 'p/m@1': not an earlier "
	    "snapshot from the same fs\n", "is not older" },
	{ "receive", "p/x", "cannot receive new filesystem stream: incomplete "
	    "stream\n", "try again" },
	{ "receive", "p/x", "cannot receive new filesystem stream: checksum "
	    "mismatch or incomplete stream.\nPartially received snapshot is "
	    "saved.\n", "try again" },
	{ "receive", "p/x", "cannot receive: failed to read from stream\n",
	    "sent nothing" },

	{ "send", "p/m@1", "warning: cannot send 'p/m@1': permission denied\n",
	    "\"zfs allow -u zr send p/m\"" },
	{ "hold", "p/m@2", "cannot hold: permission denied\n",
	    "\"zfs allow -u zr hold p/m\"" },
	{ "release", "p/m@1", "cannot release: permission denied\n",
	    "\"zfs allow -u zr release p/m\"" },
	{ "bookmark", "p/m#bb", "cannot create bookmark 'p/m#bb': permission "
	    "denied\n", "\"zfs allow -u zr bookmark p/m\"" },
	{ "destroy", "p/m@1", "cannot destroy snapshots: permission denied\n",
	    "\"zfs allow -u zr destroy,mount p/m\"" },
	{ "receive", "p/zz", "cannot receive new filesystem stream: permission "
	    "denied\n", "\"zfs allow -u zr receive,create,mount p/zz\"" },
	{ "receive", "p/z3", "cannot receive compression property on p/z3: "
	    "permission denied\n", "\"zfs allow -u zr compression p/z3\"" },
	{ "receive", "p/z3", "cannot receive org:a property on p/z3: "
	    "permission denied\n", "\"zfs allow -u zr userprop p/z3\"" },
	{ "set", "p/m", "cannot set property for 'p/m': permission denied\n",
	    "\"zfs allow -u zr userprop p/m\"" },
	{ "frobnicate", "p", "permission denied\n",
	    "\"zfs allow -u zr PERMISSIONS p\"" },
	{ "create", "p/ad", "filesystem successfully created, but it may only "
	    "be mounted by root\n", "zfs create -u" },
	{ "list", NULL, "Permission denied the ZFS utilities must be run as "
	    "root.\n", "/dev/zfs" },

	{ "hold", "p/m@1", "cannot hold snapshot 'p/m@1': tag already exists on "
	    "this dataset\n", NULL },
	{ "list", "p/nosuch", "cannot open 'p/nosuch': dataset does not exist\n",
	    NULL },
	{ NULL, NULL, "", NULL }
};

static void
check(const char *command, const char *dataset, const char *words,
    size_t length, const char *advice)
{
	const struct zfs_failure failure = { .command = command,
	    .dataset = dataset, .user = "zr", .words = words, .length = length };
	char line[ZFS_ADVICE_SIZE];

	if (zfs_advice(line, &failure) != (advice != NULL) ||
	    (advice != NULL && strstr(line, advice) == NULL) ||
	    strchr(line, '%') != NULL || strchr(line, '\n') != NULL) {
		printf("# %s: %s\n", words, line);
		CHECK(!"this advice");
	}
}

int
main(void)
{
	char line[ZFS_ADVICE_SIZE], words[256];

	TEST("every everyday error gets the advice that fits") {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			check(cases[i].command, cases[i].dataset, cases[i].words,
			    strlen(cases[i].words), cases[i].advice);
	}
	TEST("a name that is none is not repeated") {
		check("hold", "p/m; reboot@1", "permission denied", 17,
		    "hold FILESYSTEM");
		check("hold", "p/../m", "permission denied", 17, "hold FILESYSTEM");
		check("hold", "p/m@a`b", "permission denied", 17, "hold FILESYSTEM");
	}
	TEST("words of any bytes, cut anywhere, are read to their end only") {
		static const char text[] = "\0\xff cannot receive atime "
		    "property on p/x: permission denied";
		char *copy;

		for (size_t length = 0; length < sizeof(text); length++) {
			copy = malloc(length + 1);
			memcpy(copy + 1, text, length);
			zfs_advice(line, &(struct zfs_failure){
			    .command = "receive", .dataset = "p/x",
			    .words = copy + 1, .length = length });
			free(copy);
		}
		check("receive", "p/x", text, sizeof(text) - 1,
		    "zfs allow -u zr atime p/x");
	}
	TEST("the longest names fit") {
		memset(words, 'a', 255);
		words[255] = '\0';
		words[1] = ' ';
		words[200] = '@';
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			zfs_advice(line, &(struct zfs_failure){
			    .command = cases[i].command, .dataset = words,
			    .words = cases[i].words,
			    .length = strlen(cases[i].words) });
			CHECK(strlen(line) < ZFS_ADVICE_SIZE - 1);
		}
	}
	return (unit_end());
}
