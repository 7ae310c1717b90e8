#!/bin/sh
# zfs-allow.sh sender USER FILESYSTEM...
# zfs-allow.sh receiver USER ROOT_FS [PROPERTY...]
#
# Let USER, an unprivileged user, run zr-endpoint sender on these filesystems and
# all below them, or zr-endpoint receiver on ROOT_FS, and nothing else.  Run this script
# once, as root; "zfs allow FILESYSTEM" shows its effect, "zfs unallow -u USER
# FILESYSTEM" undoes it.
#
# PROPERTY: each property that the receiver sets or leaves out (-o, -x), or that
# comes with streams of zfs send -p.  User properties (with a colon) need no permission.
#
# Note:
# - "destroy", which bookmarks and aborted receives need too, applies to snapshots
#   and to whole filesystems.  Data that must not be lost on the sender's side needs
#   another protection from USER.  (Without "destroy" there, pruning by the peer and
#   the removal of old bookmarks fail.)
# - On Linux only root can mount: the receiver needs -u, and a received filesystem
#   appears in the file system only when root mounts it.
set -eu

usage() {
	echo 'usage: zfs-allow.sh sender USER FILESYSTEM...' >&2
	echo '       zfs-allow.sh receiver USER ROOT_FS [PROPERTY...]' >&2
	exit 100
}

[ $# -ge 3 ] || usage
role=$1 user=$2
shift 2
case $role in
sender)
	# send: also of raw streams and by resume token.  hold, release,
	# bookmark, destroy: to make and remove the holds and bookmarks that keep a
	# step repeatable.  destroy has no effect without mount.
	for filesystem; do
		zfs allow -u "$user" \
		    send,hold,release,bookmark,destroy,mount "$filesystem"
	done ;;
receiver)
	# receive, create, mount: every new filesystem.  mountpoint, userprop:
	# placeholders.  rollback, destroy: to receive over a placeholder, to discard
	# an interrupted receive, to prune.
	root=$1
	shift
	permissions=receive,create,mount,mountpoint,userprop,hold,release,rollback,destroy
	for property; do
		permissions=$permissions,$property
	done
	zfs allow -u "$user" "$permissions" "$root" ;;
*)	usage ;;
esac
