#!/bin/sh
# zfs-allow.sh sender USER FILESYSTEM...
# zfs-allow.sh receiver USER ROOT_FS [PROPERTY...]
#
# Let USER, who is not root, run zr-endpoint sender on these filesystems and
# all below them, or zr-endpoint receiver on ROOT_FS, and nothing else.  Run it
# as root, once; "zfs allow FILESYSTEM" shows what it did, "zfs unallow -u USER
# FILESYSTEM" takes it back.
#
# PROPERTY: each one that the receiver sets or leaves out (-o, -x), or that
# comes with streams of zfs send -p.  User properties (with a colon) need none.
#
# Of what this allows, know that
# - "destroy", which bookmarks and aborted receives need too, goes for snapshots
#   and for whole filesystems: what must not be lost on the sender's side, keep
#   out of USER's reach otherwise (leave out "destroy" there, and pruning by the
#   peer and the removal of old bookmarks will fail);
# - on Linux only root can mount: the receiver needs -u, and nothing that is
#   received shows up in the file system until root mounts it.
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
	# bookmark, destroy: what keeps a step repeatable, and its removal.
	# destroy is of no use without mount.
	for filesystem; do
		zfs allow -u "$user" \
		    send,hold,release,bookmark,destroy,mount "$filesystem"
	done ;;
receiver)
	# receive, create, mount: every new filesystem.  mountpoint, userprop:
	# placeholders.  rollback, destroy: to receive over one of those, to give
	# up an interrupted receive, to prune.
	root=$1
	shift
	permissions=receive,create,mount,mountpoint,userprop,hold,release,rollback,destroy
	for property; do
		permissions=$permissions,$property
	done
	zfs allow -u "$user" "$permissions" "$root" ;;
*)	usage ;;
esac
